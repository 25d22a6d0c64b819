/* doctor_cyclone.c - asks Cyclone DDS itself what it makes of the settings: it is the one judge of
 * its own XML.
 *
 * This program starts itself again in the environment that `eddy run` gives, loads libddsc there,
 * and has it create a DDS domain, which nobody joins, and trace its settings.  EDDY_DIR names a
 * folder that cannot be, and the plug-in is switched off, whose settings may name another one, so
 * that nothing is left behind.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/doctor.h"
#include "tools/launch.h"
#include "tools/newer.h"
#include "tools/place.h"
#include "tools/settings.h"
#include "tools/text.h"
#include "tools/uri.h"

#include <errno.h>
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

#define NEWER_LIBRARY "libddsc.so.11" /* as the loader knows it */

/* --- asking it ------------------------------------------------------------------------------- */

struct question {
    const char *library; /* "": the one that the loader finds */
    char domain[EDDY_SETTINGS_TEXT];
    struct eddy_launch launch;
    size_t ours; /* bytes in front of the user's settings */
};

struct answer {
    bool ended, created, is_newer;
    char library[PATH_MAX], plugin[PATH_MAX];
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
    set("EDDY_PSMX", "off");
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

static bool is_ours(const char *plugin)
{
    return strstr(plugin, "/libpsmx_eddy.so") != NULL;
}

static void read_answer(struct answer *answer)
{
    char *rest = NULL;
    for (char *line = strtok_r(answer->told[0], "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, EDDY_DOCTOR_LIBRARY, sizeof EDDY_DOCTOR_LIBRARY - 1) == 0)
            snprintf(answer->library, sizeof answer->library, "%s",
                     line + sizeof EDDY_DOCTOR_LIBRARY - 1);
        if (strncmp(line, EDDY_DOCTOR_CREATED, sizeof EDDY_DOCTOR_CREATED - 1) == 0)
            answer->created = line[sizeof EDDY_DOCTOR_CREATED - 1] == '1';
        if (strcmp(line, EDDY_DOCTOR_NEWER) == 0)
            answer->is_newer = true;
        if (strncmp(line, EDDY_DOCTOR_PLUGIN, sizeof EDDY_DOCTOR_PLUGIN - 1) == 0 &&
            !is_ours(answer->plugin))
            snprintf(answer->plugin, sizeof answer->plugin, "%s",
                     line + sizeof EDDY_DOCTOR_PLUGIN - 1);
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

/* Of Cyclone DDS 11. */
static void judge_plugin(struct eddy_visit *visit, const struct answer *answer)
{
    const char *is = getenv("EDDY_PSMX");
    if (is_ours(answer->plugin) && is != NULL && strcmp(is, "on") != 0)
        eddy_visit_say(visit, EDDY_FINDING_FAULT,
                       "EDDY_PSMX is \"%s\", so nothing goes through Eddy; unset it", is);
    else if (is_ours(answer->plugin))
        eddy_visit_say(visit, EDDY_FINDING_OK, "it loads Eddy's plug-in, %s", answer->plugin);
    else if (answer->plugin[0] != '\0')
        eddy_visit_say(visit, EDDY_FINDING_FAULT,
                       "it loads another plug-in, %s, and not Eddy's: `eddy run` leaves settings "
                       "alone that name a PubSubMessageExchange; take that out of CYCLONEDDS_URI, "
                       "or put Eddy's in its place, see eddy-psmx(5)",
                       answer->plugin);
    else
        eddy_visit_say(visit, EDDY_FINDING_FAULT,
                       "it loads no plug-in, so nothing goes through Eddy; see eddy-psmx(5)");
}

static void say_which(struct eddy_visit *visit, const struct answer *answer)
{
    bool known = answer->is_newer || strstr(answer->library, "libddsc.so.0.10.") != NULL;
    snprintf(visit->cyclone, sizeof visit->cyclone, "%s", answer->library);
    eddy_visit_say(visit, known ? EDDY_FINDING_OK : EDDY_FINDING_NOTE, "Cyclone DDS is %s%s",
                   answer->library, known ? "" : ", which is not known to be a version 0.10 or 11");
}

static void judge(struct eddy_visit *visit, const struct question *question,
                  const struct answer *answer, const char *locator)
{
    say_which(visit, answer);
    if (answer->told[1] != NULL && !answer->is_newer &&
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
    else if (answer->is_newer)
        judge_plugin(visit, answer);
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
    eddy_visit_say(visit, EDDY_FINDING_NOTE,
                   "Cyclone DDS is not where the loader looks (libddsc.so.0, " NEWER_LIBRARY
                   "), so it cannot be asked about the settings");
    if (error != 0)
        eddy_visit_say(visit, EDDY_FINDING_FAULT, "CYCLONEDDS_URI names %s: %s", path,
                       strerror(error));
}

/* How much stands in front of the user's settings in what it reads. */
static size_t front(const struct question *question, const struct answer *answer, const char *uri)
{
    const char *whole = question->launch.cyclone_uri;
    char *newer = answer->is_newer ? eddy_newer_settings(whole) : NULL;
    size_t size = strlen(newer != NULL ? newer : whole);
    free(newer);
    return size - strlen(uri) - strlen("," TRACING);
}

/* False: there is none of that name, or it was asked already. */
static bool visit_one(struct eddy_visit *visit, const char *library, const char *uri)
{
    static const char locator[] = "ed:d7:00:00:00:00:00:00:00:00:00:00:00:00:00:01";
    struct question question = {.library = library};
    struct answer answer = {0};
    char *whole = NULL;
    bool is_there = false;
    choose_domain(uri, question.domain);
    if (!eddy_launch_compose(visit->library_dir, locator, NULL, &question.launch) ||
        asprintf(&whole, "%s,%s", question.launch.cyclone_uri, TRACING) < 0)
        return false;
    free(question.launch.cyclone_uri);
    question.launch.cyclone_uri = whole;
    if (ask(&question, &answer)) {
        read_answer(&answer);
        question.ours = front(&question, &answer, uri);
        is_there = answer.library[0] != '\0' && strcmp(answer.library, visit->cyclone) != 0;
        if (is_there)
            judge(visit, &question, &answer, locator);
    }
    free(answer.told[0]);
    free(answer.told[1]);
    eddy_launch_free(&question.launch);
    return is_there;
}

static bool names_plugin(const char *uri)
{
    struct eddy_settings *settings = malloc(sizeof *settings);
    if (settings == NULL)
        return false;
    eddy_settings_read(uri, settings);
    bool names = settings->has_plugin;
    free(settings);
    return names;
}

void eddy_visit_cyclone(struct eddy_visit *visit, const char *library)
{
    const char *value = getenv("CYCLONEDDS_URI");
    const char *uri = eddy_uri_users(value != NULL ? value : "");
    if (library[0] != '\0') {
        (void)visit_one(visit, library, uri);
        return;
    }
    bool newer = visit_one(visit, NEWER_LIBRARY, uri);
    /* 0.10 starts with no settings that name a plug-in: they are not meant for it. */
    bool older = !(newer && names_plugin(uri)) && visit_one(visit, "", uri);
    if (!newer && !older)
        look_at_files(visit, uri);
}
