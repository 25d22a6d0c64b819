/* SPDX-License-Identifier: Apache-2.0 */
#include "reclaim.h"

#include "log.h"

#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

atomic_bool eddy_reclaim_active;

static _Thread_local struct {
    const void *sub, *payload;
    unsigned lookups;
} last;

const void *eddy_reclaim_forgotten(const void *sub)
{
    const void *payload = last.sub == sub && last.lookups == 1 ? last.payload : NULL;
    last.sub = NULL;
    return payload;
}

void eddy_reclaim_taken(const void *sub, const void *payload)
{
    last.sub = sub;
    last.payload = payload;
    last.lookups = 0;
}

void eddy_reclaim_count(const void *payload)
{
    if (last.sub != NULL && last.payload == payload) {
        last.lookups++;
    }
}

/* --- what is loaded --------------------------------------------------------------------------- */

struct findings {
    unsigned long long loaded; /* objects, so far in the life of the process */
    bool forgetful, foreign;
};

/* The parts of a loaded object that tell what it refers to. */
struct references {
    const Elf64_Sym *symbols;
    const char *names;
    const char *relocations[3]; /* DT_JMPREL, DT_RELA, DT_REL */
    size_t bytes[3], stride[3];
};

_Static_assert(sizeof(Elf64_Addr) == sizeof(void *), "Eddy is for 64-bit machines");

static bool is_libddsc(const char *path)
{
    const char *file = strrchr(path, '/');
    return strncmp(file == NULL ? path : file + 1, "libddsc.so", 10) == 0;
}

/* By the name of the file behind the links, as the build of Cyclone DDS gives it. */
static bool is_forgetful(const char *path)
{
    static const char *const versions[] = {".so.0.10.2", ".so.0.10.3", ".so.0.10.4"};
    char *real = realpath(path, NULL);
    bool is = false;
    for (size_t i = 0; real != NULL && i < sizeof versions / sizeof *versions; i++) {
        size_t length = strlen(real);
        size_t tail = strlen(versions[i]);
        is = is || (length > tail && strcmp(real + length - tail, versions[i]) == 0);
    }
    free(real);
    return is;
}

/* The dynamic loader has made most of these absolute, but not everywhere. */
static const void *address(const struct dl_phdr_info *object, Elf64_Addr value)
{
    return (const void *)(value < object->dlpi_addr ? value + object->dlpi_addr : value);
}

static void read_entry(const struct dl_phdr_info *object, const Elf64_Dyn *entry,
                       struct references *to)
{
    switch (entry->d_tag) {
    case DT_SYMTAB:
        to->symbols = address(object, entry->d_un.d_ptr);
        break;
    case DT_STRTAB:
        to->names = address(object, entry->d_un.d_ptr);
        break;
    case DT_JMPREL:
        to->relocations[0] = address(object, entry->d_un.d_ptr);
        break;
    case DT_RELA:
        to->relocations[1] = address(object, entry->d_un.d_ptr);
        break;
    case DT_REL:
        to->relocations[2] = address(object, entry->d_un.d_ptr);
        break;
    case DT_PLTREL:
        to->stride[0] = entry->d_un.d_val == DT_RELA ? sizeof(Elf64_Rela) : sizeof(Elf64_Rel);
        break;
    case DT_PLTRELSZ:
        to->bytes[0] = entry->d_un.d_val;
        break;
    case DT_RELASZ:
        to->bytes[1] = entry->d_un.d_val;
        break;
    case DT_RELSZ:
        to->bytes[2] = entry->d_un.d_val;
        break;
    default:
        break;
    }
}

static bool is_maker(const char *name)
{
    return strcmp(name, "ddsi_serdata_init") == 0 || strcmp(name, "ddsi_sertype_init") == 0;
}

/* Whatever an object calls in another has a relocation. */
static bool refers_to_makers(const struct references *to)
{
    for (int kind = 0; kind < 3; kind++) {
        size_t count = to->relocations[kind] != NULL ? to->bytes[kind] / to->stride[kind] : 0;
        for (size_t i = 0; i < count; i++) {
            const Elf64_Rel *relocation = /* what a Rela begins with */
                (const void *)(to->relocations[kind] + i * to->stride[kind]);
            const Elf64_Sym *symbol = &to->symbols[ELF64_R_SYM(relocation->r_info)];
            if (symbol->st_shndx == SHN_UNDEF && is_maker(to->names + symbol->st_name)) {
                return true;
            }
        }
    }
    return false;
}

static bool may_make_samples(const struct dl_phdr_info *object, const Elf64_Dyn *dynamic)
{
    struct references to = {.stride = {sizeof(Elf64_Rela), sizeof(Elf64_Rela), sizeof(Elf64_Rel)}};
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        read_entry(object, dynamic, &to);
    }
    return to.symbols == NULL || to.names == NULL || refers_to_makers(&to);
}

static int look_at(struct dl_phdr_info *object, size_t size, void *context)
{
    struct findings *findings = context;
    (void)size;
    findings->loaded = object->dlpi_adds;
    if (is_libddsc(object->dlpi_name)) {
        findings->forgetful = findings->forgetful || is_forgetful(object->dlpi_name);
        return 0;
    }
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        if (object->dlpi_phdr[i].p_type == PT_DYNAMIC) {
            uintptr_t at = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
            findings->foreign =
                findings->foreign || may_make_samples(object, (const Elf64_Dyn *)at);
        }
    }
    return 0;
}

static int count_loads(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size;
    *(unsigned long long *)context = object->dlpi_adds;
    return 1;
}

bool eddy_reclaim_is_safe(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct findings known;
    unsigned long long loaded = 0;
    pthread_mutex_lock(&lock);
    (void)dl_iterate_phdr(count_loads, &loaded);
    if (known.loaded != loaded) {
        known = (struct findings){0, false, false};
        (void)dl_iterate_phdr(look_at, &known);
        eddy_log(EDDY_LOG_DEBUG, "Cyclone DDS: %s%s",
                 known.forgetful ? "a version that forgets chunks" : "not known to forget chunks",
                 known.foreign ? "; other kinds of samples than its own may be in use" : "");
    }
    bool safe = known.forgetful && !known.foreign;
    pthread_mutex_unlock(&lock);
    if (safe) {
        atomic_store(&eddy_reclaim_active, true);
    }
    return safe;
}
