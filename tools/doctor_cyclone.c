/* doctor_cyclone.c - asks Cyclone DDS itself what it makes of the settings: it is the one judge of
 * its own XML.
 *
 * This program starts itself again in the environment that `eddy run` gives, loads libddsc there,
 * and has it create a DDS domain, which nobody joins, and trace its settings.  EDDY_DIR names a
 * folder that cannot be, so that nothing is left behind.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/doctor.h"
#include "tools/launch.h"
#include "tools/settings.h"
#include "tools/text.h"
#include "tools/uri.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_FOLDER "/proc/eddy"
#define PATIENCE  20 /* seconds; iceoryx waits for its daemon for a minute */

#define TRACING "<Tracing><Category>config</Category><OutputFile>stdout</OutputFile></Tracing>"

/* What the other process says first, before what Cyclone DDS has to say. */
#define SAYS_LIBRARY "eddy: library "
#define SAYS_CREATED "eddy: created "

/* --- the process that is asked --------------------------------------------------------------- */

static void *load(const char *library)
{
    static const char *const usual[] = {"libddsc.so.0", "libddsc.so.0debian", "libddsc.so"};
    if (library[0] != '\0')
        return dlopen(library, RTLD_LAZY | RTLD_LOCAL);
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        void *loaded = dlopen(usual[i], RTLD_LAZY | RTLD_LOCAL);
        if (loaded != NULL)
            return loaded;
    }
    return NULL;
}

int eddy_doctor_ask(const char *library, const char *domain)
{
    const char *uri = getenv("CYCLONEDDS_URI");
    struct link_map *map = NULL;
    char path[PATH_MAX];
    int32_t (*create)(uint32_t domain, const char *config);
    void *loaded = load(library);
    void *function = loaded != NULL ? dlsym(loaded, "dds_create_domain") : NULL;
    if (function == NULL || uri == NULL || dlinfo(loaded, RTLD_DI_LINKMAP, (void *)&map) != 0)
        return 0;
    memcpy(&create, &function, sizeof create);
    printf(SAYS_LIBRARY "%s\n", realpath(map->l_name, path) != NULL ? path : map->l_name);
    fflush(stdout);
    int32_t created = create((uint32_t)strtoul(domain, NULL, 10), uri);
    printf(SAYS_CREATED "%d\n", created > 0);
    fflush(NULL);
    _exit(0); /* what it has begun need not be ended in order */
}

/* --- asking it ------------------------------------------------------------------------------- */

struct question {
    const char *library; /* "": the one that the loader finds */
    char domain[EDDY_SETTINGS_TEXT];
    struct eddy_launch launch;
    size_t ours; /* bytes in front of the user's settings */
};

struct answer {
    bool ended, created;
    char library[PATH_MAX];
    char enable[EDDY_SETTINGS_TEXT], prefix[EDDY_SETTINGS_TEXT], locator[EDDY_SETTINGS_TEXT];
    char *told[2]; /* on standard output and standard error */
    size_t told_size[2];
};

static void set(const char *name, const char *value)
{
    (void)setenv(name, value, 1);
}

static void become(const struct question *question, const int output[2], const int errors[2])
{
    char name[] = "eddy", command[] = "doctor", option[] = "--ask", domain[EDDY_SETTINGS_TEXT];
    char library[PATH_MAX];
    snprintf(domain, sizeof domain, "%s", question->domain);
    snprintf(library, sizeof library, "%s", question->library);
    char *arguments[] = {name, command, option, domain, library, NULL};
    eddy_launch_each(&question->launch, set);
    set("EDDY_DIR", NO_FOLDER);
    set("EDDY_LOG", "none");
    (void)unsetenv("EDDY_MAX_BYTES");
    dup2(output[1], STDOUT_FILENO);
    dup2(errors[1], STDERR_FILENO);
    alarm(PATIENCE);
    execv("/proc/self/exe", arguments);
    _exit(1);
}

/* Takes in what comes from both until they end. */
static void listen_to(int output, int errors, FILE *into[2])
{
    struct pollfd from[2] = {{.fd = output, .events = POLLIN}, {.fd = errors, .events = POLLIN}};
    char buffer[4096];
    while ((from[0].fd >= 0 || from[1].fd >= 0) && poll(from, 2, -1) > 0) {
        for (int i = 0; i < 2; i++) {
            if (from[i].revents == 0)
                continue;
            ssize_t got = read(from[i].fd, buffer, sizeof buffer);
            if (got > 0)
                fwrite(buffer, 1, (size_t)got, into[i]);
            else
                from[i].fd = -1;
        }
    }
}

static bool ask(const struct question *question, struct answer *answer)
{
    int output[2] = {-1, -1}, errors[2] = {-1, -1}, status = 0;
    FILE *into[2] = {open_memstream(&answer->told[0], &answer->told_size[0]),
                     open_memstream(&answer->told[1], &answer->told_size[1])};
    fflush(stdout);
    bool begun = into[0] != NULL && into[1] != NULL && pipe(output) == 0 && pipe(errors) == 0;
    pid_t child = begun ? fork() : -1;
    if (child == 0)
        become(question, output, errors);
    close(output[1]);
    close(errors[1]);
    if (child > 0) {
        listen_to(output[0], errors[0], into);
        answer->ended = waitpid(child, &status, 0) == child && WIFEXITED(status);
    }
    close(output[0]);
    close(errors[0]);
    for (int i = 0; i < 2; i++) {
        if (into[i] != NULL)
            fclose(into[i]);
    }
    return child > 0;
}

/* --- what it says ---------------------------------------------------------------------------- */

/* The value in a line of the trace, "... Domain/NAME/#text: VALUE {...}". */
static void take_value(const char *line, const char *name, char value[EDDY_SETTINGS_TEXT])
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "config: Domain/%s/#text: ", name);
    const char *at = strstr(line, wanted);
    if (at == NULL)
        return;
    at += strlen(wanted);
    const char *end = strstr(at, " {");
    snprintf(value, EDDY_SETTINGS_TEXT, "%.*s", (int)(end != NULL ? (size_t)(end - at) : 0), at);
}

static void read_answer(struct answer *answer)
{
    char *rest = NULL;
    for (char *line = strtok_r(answer->told[0], "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, SAYS_LIBRARY, sizeof SAYS_LIBRARY - 1) == 0)
            snprintf(answer->library, sizeof answer->library, "%s", line + sizeof SAYS_LIBRARY - 1);
        if (strncmp(line, SAYS_CREATED, sizeof SAYS_CREATED - 1) == 0)
            answer->created = line[sizeof SAYS_CREATED - 1] == '1';
        take_value(line, "SharedMemory/Enable", answer->enable);
        take_value(line, "SharedMemory/Prefix", answer->prefix);
        take_value(line, "SharedMemory/Locator", answer->locator);
    }
}

/* Behind the time, the domain in brackets, and the name of the program. */
static const char *text_of(const char *line)
{
    const char *bracket = strchr(line, ']');
    const char *colon = bracket != NULL ? strstr(bracket, ": ") : NULL;
    return colon != NULL ? colon + 2 : line;
}

/* A place in the settings is told as one in the user's own. */
static void say_message(struct eddy_visit *visit, const struct question *question,
                        enum eddy_finding finding, const char *line)
{
    static const char place[] = "CYCLONEDDS_URI+";
    const char *text = text_of(line), *at = strstr(text, place);
    const char *number = at != NULL ? at + strlen(place) : "";
    unsigned long offset = strtoul(number, NULL, 10);
    if (at == NULL || offset < question->ours)
        eddy_visit_say(visit, finding, "Cyclone DDS says: %s", text);
    else
        eddy_visit_say(visit, finding, "Cyclone DDS says: %.*s%lu%s", (int)(number - text), text,
                       offset - question->ours, number + strspn(number, "0123456789"));
}

static void say_messages(struct eddy_visit *visit, const struct question *question,
                         const struct answer *answer)
{
    char *rest = NULL;
    for (char *line = strtok_r(answer->told[1], "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        say_message(visit, question, answer->created ? EDDY_FINDING_NOTE : EDDY_FINDING_FAULT,
                    line);
}

/* Of settings that are good in themselves. */
static void judge_settings(struct eddy_visit *visit, const struct answer *answer,
                           const char *locator)
{
    bool wrong = false;
    if (strcmp(answer->enable, "true") != 0) {
        wrong = true;
        eddy_visit_say(visit, EDDY_FINDING_FAULT,
                       "SharedMemory/Enable is %s, so nothing goes through Eddy; take it out of "
                       "CYCLONEDDS_URI",
                       answer->enable[0] != '\0' ? answer->enable : "not known to it");
    }
    if (strncmp(answer->prefix, "EDDY.", 5) != 0) {
        wrong = true;
        eddy_visit_say(visit, EDDY_FINDING_FAULT,
                       "SharedMemory/Prefix is \"%s\": apart from programs that have another one, "
                       "and one for all DDS domains; take it out of CYCLONEDDS_URI",
                       answer->prefix);
    }
    if (strcmp(answer->locator, locator) != 0) {
        wrong = true;
        eddy_visit_say(visit, EDDY_FINDING_FAULT,
                       "SharedMemory/Locator is \"%s\": apart from programs that have another one; "
                       "take it out of CYCLONEDDS_URI",
                       answer->locator);
    }
    if (!wrong)
        eddy_visit_say(visit, EDDY_FINDING_OK, "it takes the settings: shared memory, prefix %s",
                       answer->prefix);
}

static void judge(struct eddy_visit *visit, const struct question *question,
                  const struct answer *answer, const char *locator)
{
    snprintf(visit->cyclone, sizeof visit->cyclone, "%s", answer->library);
    bool known = strstr(answer->library, "libddsc.so.0.10.") != NULL;
    eddy_visit_say(visit, known ? EDDY_FINDING_OK : EDDY_FINDING_NOTE, "Cyclone DDS is %s%s",
                   answer->library, known ? "" : ", which is not known to be a version 0.10");
    if (answer->told[1] != NULL &&
        strstr(answer->told[1], "SharedMemory: unknown element") != NULL) {
        eddy_visit_say(visit, EDDY_FINDING_FAULT, "it was built without shared memory");
        return;
    }
    if (!answer->ended)
        eddy_visit_say(visit, EDDY_FINDING_FAULT,
                       "it does not start, or not within %d s: is another iceoryx loaded?",
                       PATIENCE);
    else if (!answer->created)
        eddy_visit_say(visit, EDDY_FINDING_FAULT, "it does not start with these settings:");
    else
        judge_settings(visit, answer, locator);
    say_messages(visit, question, answer);
}

/* The first domain that the user's settings name, else 0. */
static void choose_domain(const char *uri, char domain[EDDY_SETTINGS_TEXT])
{
    struct eddy_settings *settings = malloc(sizeof *settings);
    snprintf(domain, EDDY_SETTINGS_TEXT, "0");
    if (settings == NULL)
        return;
    eddy_settings_read(uri, settings);
    for (size_t i = settings->count; i > 0; i--) {
        if (eddy_settings_is_number(settings->domains[i - 1].id))
            snprintf(domain, EDDY_SETTINGS_TEXT, "%s", settings->domains[i - 1].id);
    }
    free(settings);
}

/* Without Cyclone DDS. */
static void look_at_files(struct eddy_visit *visit, const char *uri)
{
    char path[PATH_MAX];
    int error = eddy_settings_unreadable(uri, path);
    eddy_visit_say(
        visit, EDDY_FINDING_NOTE,
        "Cyclone DDS is not where the loader looks (libddsc.so.0), so it cannot be asked "
        "about the settings");
    if (error != 0)
        eddy_visit_say(visit, EDDY_FINDING_FAULT, "CYCLONEDDS_URI names %s: %s", path,
                       strerror(error));
}

void eddy_visit_cyclone(struct eddy_visit *visit, const char *library)
{
    static const char locator[] = "ed:d7:00:00:00:00:00:00:00:00:00:00:00:00:00:01";
    const char *uri = getenv("CYCLONEDDS_URI");
    struct question question = {.library = library};
    struct answer answer = {0};
    char *whole = NULL;
    uri = eddy_uri_users(uri != NULL ? uri : "");
    choose_domain(uri, question.domain);
    if (!eddy_launch_compose(visit->library_dir, locator, NULL, &question.launch) ||
        asprintf(&whole, "%s,%s", question.launch.cyclone_uri, TRACING) < 0)
        return;
    question.ours = strlen(question.launch.cyclone_uri) - strlen(uri);
    free(question.launch.cyclone_uri);
    question.launch.cyclone_uri = whole;
    if (ask(&question, &answer)) {
        read_answer(&answer);
        if (answer.library[0] != '\0')
            judge(visit, &question, &answer, locator);
        else
            look_at_files(visit, uri);
    }
    free(answer.told[0]);
    free(answer.told[1]);
    eddy_launch_free(&question.launch);
}
