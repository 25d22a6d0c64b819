/* print.c - verdicts for people (see report.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/text.h"
#include "tools/why/report.h"
#include "tools/why/words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NARROW 40 /* no line is broken to less */
#define ALL    100000

static int terminal_width(void)
{
    struct winsize size = {0};
    const char *columns = getenv("COLUMNS");
    int width = columns != NULL ? (int)strtol(columns, NULL, 10) : 0;
    if (width <= 0 && isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
    if (width <= 0)
        width = isatty(STDOUT_FILENO) ? 80 : ALL;
    return width < NARROW ? NARROW : width;
}

/* Of a text that is safe to print. */
static int columns_of(const char *text, size_t bytes)
{
    int columns = 0;
    for (size_t i = 0; i < bytes; i++)
        columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    return columns;
}

/* Prints safe text after a lead, in lines no wider than the terminal; those after the first begin
 * below the text. */
static void print_wrapped(const char *lead, const char *text)
{
    int width = terminal_width(), indent = columns_of(lead, strlen(lead)), at = indent;
    bool is_first = true;
    fputs(lead, stdout);
    for (; *text != '\0'; text += strspn(text, " ")) {
        size_t bytes = strcspn(text, " ");
        int columns = columns_of(text, bytes);
        if (!is_first && at + 1 + columns > width) {
            printf("\n%*s", indent, "");
            at = indent;
        } else if (!is_first) {
            putchar(' ');
            at++;
        }
        is_first = false;
        fwrite(text, 1, bytes, stdout);
        at += columns;
        text += bytes;
    }
    putchar('\n');
}

/* The same of any text. */
static void print_text(const char *lead, const char *text)
{
    char *safe = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&safe, &size);
    if (out == NULL)
        return;
    eddy_text_print(out, text != NULL ? text : "");
    fclose(out);
    if (safe != NULL)
        print_wrapped(lead, safe);
    free(safe);
}

__attribute__((format(printf, 2, 3))) static void print_line(const char *lead, const char *format,
                                                             ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) >= 0)
        print_text(lead, text);
    va_end(arguments);
    free(text);
}

/* "rt/chatter (/chatter)"; to be freed. */
static char *topic_title(const char *topic)
{
    char *title = NULL, *ros = eddy_why_ros_name(topic);
    if (ros == NULL)
        return strdup(topic);
    if (asprintf(&title, "%s (%s)", topic, ros) < 0)
        title = NULL;
    free(ros);
    return title;
}

/* --- each pair ------------------------------------------------------------------------------- */

/* "talker, pid 12"; to be freed. */
static char *endpoint_title(const struct eddy_why_endpoint *endpoint)
{
    char *title = NULL;
    if (endpoint == NULL)
        return strdup("nobody");
    const struct eddy_why_process *process = endpoint->process;
    const char *slash = strrchr(process->name, '/');
    const char *name = slash != NULL ? slash + 1 : process->name;
    bool is_far = process->view == EDDY_WHY_FAR && endpoint->member == NULL;
    if (asprintf(&title, "%s, pid %" PRId32 "%s%s", name[0] != '\0' ? name : "unknown",
                 process->pid, is_far ? " on " : "", is_far ? process->host : "") < 0)
        return NULL;
    return title;
}

static void print_reason(const char *word, const char *said, const char *advice)
{
    char lead[16];
    snprintf(lead, sizeof lead, "    %-4s  ", word);
    print_text(lead, said);
    print_text("    do    ", advice);
}

static void print_reasons(const struct eddy_why_verdict *verdict)
{
    for (size_t i = 0; i < verdict->reason_count; i++) {
        const struct eddy_why_reason *reason = &verdict->reasons[i];
        char *said = eddy_why_said(verdict, reason), *advice = eddy_why_advice(verdict, reason);
        print_reason(reason->grade == EDDY_GRADE_FINE ? "note" : "why", said, advice);
        free(said);
        free(advice);
    }
}

static void print_pair(const struct eddy_why_verdict *verdict)
{
    static const char *const paths[] = {"in Eddy", "within the process", "over the network",
                                        "nothing gets through"};
    char *writer = endpoint_title(verdict->writer), *reader = endpoint_title(verdict->reader);
    print_line("  ", "%s -> %s: %s", writer, reader, paths[verdict->path]);
    print_reasons(verdict);
    free(writer);
    free(reader);
}

static void print_topic(const struct eddy_why_report *report, const struct eddy_why_topic *topic)
{
    char *title = topic_title(topic->name);
    print_line("", "%s in DDS domain %" PRIu32 ":", title, report->world->domain);
    for (size_t i = 0; i < topic->verdict_count; i++)
        print_pair(&topic->verdicts[i]);
    free(title);
}

/* --- a topic in short ------------------------------------------------------------------------ */

/* A sentence that is true of several pairs. */
struct shared_reason {
    char *said, *advice;
    size_t pairs;
};

#define SHARED_MAX 8

struct summary {
    struct shared_reason reasons[SHARED_MAX];
    size_t count, left_out;
};

static void add_shared(struct summary *summary, const struct eddy_why_verdict *verdict,
                       const struct eddy_why_reason *reason)
{
    char *said = eddy_why_said(verdict, reason);
    for (size_t i = 0; said != NULL && i < summary->count; i++) {
        if (strcmp(summary->reasons[i].said, said) != 0)
            continue;
        summary->reasons[i].pairs++;
        free(said);
        return;
    }
    if (said == NULL || summary->count == SHARED_MAX) {
        summary->left_out++;
        free(said);
        return;
    }
    summary->reasons[summary->count++] = (struct shared_reason){
        .said = said, .advice = eddy_why_advice(verdict, reason), .pairs = 1};
}

static void print_summary(struct summary *summary)
{
    for (size_t i = 0; i < summary->count; i++) {
        struct shared_reason *reason = &summary->reasons[i];
        print_reason("why", reason->said, reason->advice);
        free(reason->said);
        free(reason->advice);
    }
    if (summary->left_out > 0)
        puts("    and more");
}

static void print_short(const struct eddy_why_topic *topic)
{
    struct summary summary = {0};
    size_t by[EDDY_PATH_NONE + 1] = {0};
    char *title = topic_title(topic->name);
    for (size_t i = 0; i < topic->verdict_count; i++) {
        const struct eddy_why_verdict *verdict = &topic->verdicts[i];
        by[verdict->path]++;
        for (size_t k = 0; k < verdict->reason_count; k++)
            if (verdict->reasons[k].grade != EDDY_GRADE_FINE)
                add_shared(&summary, verdict, &verdict->reasons[k]);
    }
    print_line("", "%s: pairs in Eddy or one process %zu, over the network %zu, without a path %zu",
               title, by[EDDY_PATH_EDDY] + by[EDDY_PATH_PROCESS], by[EDDY_PATH_NETWORK],
               by[EDDY_PATH_NONE]);
    print_summary(&summary);
    free(title);
}

/* --- all ------------------------------------------------------------------------------------- */

/* Members of the topic in scopes of other DDS domains: "EDDY.5". */
static void print_other_scopes(const struct eddy_why_report *report)
{
    const struct eddy_why_world *world = report->world;
    for (size_t i = 0; i < world->member_count; i++) {
        const struct eddy_why_member *member = &world->members[i];
        char *ros = eddy_why_ros_name(member->topic);
        bool is_asked = report->asked != NULL && (strcmp(member->topic, report->asked) == 0 ||
                                                  (ros != NULL && strcmp(ros, report->asked) == 0));
        free(ros);
        if (!is_asked)
            continue;
        print_line("  ",
                   "It is in Eddy in the scope %s, where %s, pid %" PRId32
                   ", has it: is that the DDS domain you mean (--domain)?",
                   member->scope, member->info.name, member->info.pid);
        return;
    }
}

static void print_nobody(const struct eddy_why_report *report)
{
    const char *asked = report->asked;
    print_line("", "Nobody %s%s%s in DDS domain %" PRIu32 ", as far as discovery tells.",
               asked != NULL ? "writes or reads '" : "writes or reads", asked != NULL ? asked : "",
               asked != NULL ? "'" : "", report->world->domain);
    print_other_scopes(report);
    print_line("  ", "Is it the right DDS domain (--domain, ROS_DOMAIN_ID, CYCLONEDDS_DOMAIN_ID), "
                     "and do CYCLONEDDS_URI and the network let discovery through? --seconds "
                     "listens longer.");
}

static void print_well(const struct eddy_why_report *report)
{
    size_t pairs = 0, outside = 0;
    for (size_t i = 0; i < report->topic_count; i++) {
        for (size_t k = 0; k < report->topics[i].verdict_count; k++)
            outside += report->topics[i].verdicts[k].path == EDDY_PATH_NETWORK;
        pairs += report->topics[i].verdict_count;
    }
    if (pairs == 0)
        print_line("", "No topic in DDS domain %" PRIu32 " has both a writer and a reader.",
                   report->world->domain);
    else
        print_line("", "All is well in DDS domain %" PRIu32 ": pairs in Eddy or one process %zu%s.",
                   report->world->domain, pairs - outside,
                   outside > 0 ? ", and ROS 2's own list of nodes" : "");
}

static void print_strays(const struct eddy_why_world *world)
{
    for (size_t i = 0; i < world->stray_count; i++) {
        struct eddy_why_verdict verdict;
        eddy_why_judge_stray(&world->strays[i], &verdict);
        print_reasons(&verdict);
    }
}

/* Those that are not wholly in Eddy. */
static void print_topics(const struct eddy_why_report *report)
{
    size_t shown = 0;
    for (size_t i = 0; i < report->topic_count; i++) {
        if (report->topics[i].grade == EDDY_GRADE_FINE)
            continue;
        print_short(&report->topics[i]);
        shown++;
    }
    if (shown > 0)
        puts("`eddy why TOPIC` shows each pair.");
    else if (report->world->stray_count == 0)
        print_well(report);
}

void eddy_why_print(const struct eddy_why_report *report)
{
    const struct eddy_why_world *world = report->world;
    print_strays(world);
    if (world->endpoint_count == 0 || (report->asked != NULL && report->topic_count == 0)) {
        print_nobody(report);
    } else if (report->asked != NULL) {
        for (size_t i = 0; i < report->topic_count; i++)
            print_topic(report, &report->topics[i]);
    } else {
        print_topics(report);
    }
}
