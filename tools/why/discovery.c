/* discovery.c - see discovery.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/why/discovery.h"

#include "tools/command.h"
#include "tools/place.h"
#include "tools/settings.h"
#include "tools/uri.h"
#include "tools/why/cyclone.h"
#include "tools/why/hear.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* No memory of anybody's, and none of the files that settings may ask for: those are of the programs
 * that are looked at. */
#define NO_MEMORY "<Domain id=\"any\"><SharedMemory><Enable>false</Enable></SharedMemory></Domain>"
#define NO_FILES                                                                                   \
    "<Domain id=\"any\"><Tracing><OutputFile>/dev/null</OutputFile>"                               \
    "<PacketCaptureFile>/dev/null</PacketCaptureFile></Tracing></Domain>"
#define NO_FOLDER "/proc/eddy"

#define START_WAIT 10000 /* ms that Cyclone DDS may take beyond the time to listen */
#define TYPES_WAIT 4000
#define LEAVE_WAIT 2000

/* --- in the child ---------------------------------------------------------------------------- */

/* The user's settings without what `eddy run` has put in front of them, and ours. */
static bool change_settings(const char *users, bool is_newer)
{
    char *uri = NULL;
    if (asprintf(&uri, "%s%s%s", users, users[0] != '\0' ? "," : "",
                 is_newer ? NO_FILES : NO_MEMORY NO_FILES) < 0)
        return false;
    return setenv("CYCLONEDDS_URI", uri, 1) == 0 && setenv("EDDY_DIR", NO_FOLDER, 1) == 0 &&
           setenv("EDDY_PSMX", "off", 1) == 0 && setenv("EDDY_LOG", "none", 1) == 0;
}

/* Settings that name a plug-in are for Cyclone DDS 11. */
static bool prefer_newer(const char *users)
{
    struct eddy_settings *settings = malloc(sizeof *settings);
    if (settings == NULL)
        return false;
    eddy_settings_read(users, settings);
    bool prefers = settings->has_plugin;
    free(settings);
    return prefers;
}

/* Takes part.  False: stderr says why. */
static bool join(struct eddy_hearing *hearing, uint32_t domain)
{
    const struct eddy_cyclone *dds = hearing->cyclone;
    hearing->participant = dds->create_participant(domain, NULL, NULL);
    if (hearing->participant < 0) {
        fprintf(stderr,
                "eddy why: cannot take part in DDS: %s; do the settings in CYCLONEDDS_URI "
                "hold?\n",
                dds->strretcode(hearing->participant));
        return false;
    }
    hearing->participants =
        dds->create_reader(hearing->participant, EDDY_DDS_PARTICIPANTS, NULL, NULL);
    hearing->publications =
        dds->create_reader(hearing->participant, EDDY_DDS_PUBLICATIONS, NULL, NULL);
    hearing->subscriptions =
        dds->create_reader(hearing->participant, EDDY_DDS_SUBSCRIPTIONS, NULL, NULL);
    dds->get_domainid(hearing->participant, &hearing->world->domain);
    dds->get_guid(hearing->participant, hearing->own);
    return true;
}

static void wait_for(double seconds)
{
    struct timespec left = {.tv_sec = (time_t)seconds};
    left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

/* The byte says: what was asked for is there. */
static void report(int door)
{
    while (write(door, "", 1) < 0 && errno == EINTR)
        continue;
}

static int listen_in(struct eddy_arena *arena, const struct eddy_listening *listening,
                     struct eddy_why_world *world, int door)
{
    struct eddy_cyclone dds = {0};
    struct eddy_hearing hearing = {.cyclone = &dds, .arena = arena, .world = world};
    const char *uri = getenv("CYCLONEDDS_URI");
    const char *users = eddy_uri_users(uri != NULL ? uri : "");
    if (!eddy_cyclone_load(world->stand_in, prefer_newer(users), &dds) ||
        !change_settings(users, dds.is_newer) ||
        !join(&hearing, listening->has_domain ? listening->domain : EDDY_DDS_DEFAULT_DOMAIN))
        return EXIT_FAILURE;
    wait_for(listening->seconds);
    eddy_hear_endpoints(&hearing);
    report(door);
    eddy_hear_types(&hearing);
    report(door);
    dds.delete_entity(hearing.participant); /* so that the others forget it now */
    return EXIT_SUCCESS;
}

/* --- in the parent --------------------------------------------------------------------------- */

/* True: a byte came in time.  False: the time is over, or the child has ended. */
static bool reported(int door, int milliseconds)
{
    struct pollfd ready = {.fd = door, .events = POLLIN};
    char byte;
    int got = 0;
    do {
        got = poll(&ready, 1, milliseconds);
    } while (got < 0 && errno == EINTR);
    return got > 0 && read(door, &byte, 1) == 1;
}

static void say_failed(int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        fputs("eddy why: Cyclone DDS does not answer; do the settings in CYCLONEDDS_URI hold?\n",
              stderr);
    else if (WIFSIGNALED(status))
        fprintf(stderr, "eddy why: Cyclone DDS died while it listened: %s\n",
                strsignal(WTERMSIG(status)));
}

/* What the child heard counts once it said so, whatever becomes of it afterwards. */
static bool attend(pid_t child, int door, double seconds)
{
    int status = 0;
    bool heard = reported(door, (int)(seconds * 1000) + START_WAIT);
    if (heard && reported(door, TYPES_WAIT))
        (void)reported(door, LEAVE_WAIT);
    kill(child, SIGKILL); /* one that has ended does not mind */
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!heard)
        say_failed(status);
    return heard;
}

bool eddy_discovery_listen(struct eddy_arena *arena, const struct eddy_listening *listening,
                           struct eddy_why_world *world)
{
    int door[2];
    if (pipe(door) != 0) {
        fprintf(stderr, "eddy why: cannot make a pipe: %s\n", strerror(errno));
        return false;
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(door[0]);
        _exit(listen_in(arena, listening, world, door[1]));
    }
    close(door[1]);
    bool heard = child > 0 && attend(child, door[0], listening->seconds);
    if (child < 0)
        fprintf(stderr, "eddy why: cannot start a process: %s\n", strerror(errno));
    close(door[0]);
    return heard;
}
