/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/whose.h"

#include <unistd.h>

bool eddy_folder_is_groups(const struct stat *folder)
{
    return S_ISDIR(folder->st_mode) &&
           (folder->st_mode & (S_ISGID | S_ISVTX | S_IRWXG | S_IWOTH)) == (S_ISGID | S_IRWXG);
}

struct eddy_whose eddy_whose_of(int dir)
{
    struct stat folder;
    bool groups = fstat(dir, &folder) == 0 && eddy_folder_is_groups(&folder);
    return (struct eddy_whose){.groups = groups, .group = groups ? folder.st_gid : 0};
}

uint32_t eddy_whose_mode(const struct eddy_whose *w)
{
    return w->groups ? 0660 : 0600;
}

bool eddy_whose_has(const struct eddy_whose *w, const struct stat *file)
{
    return w->groups ? file->st_gid == w->group : file->st_uid == geteuid();
}

int eddy_whose_give(const struct eddy_whose *w, int fd)
{
    struct stat file;
    if (!w->groups)
        return 0;
    if (fstat(fd, &file) != 0)
        return -1;
    return file.st_gid == w->group ? 0 : fchown(fd, (uid_t)-1, w->group);
}
