/* options.h - what a user may write into config="..." of the plug-in.  (internal)
 *
 *   DIR=PATH          folder of the domain; default EDDY_DIR, else /dev/shm/eddy-<uid>
 *   LIMIT=BYTES       most shared memory for the samples of a topic; K, M, G, T allowed
 *   SPIN=auto|off|TIME  how long the thread looks before it sleeps (50us; ns, us, ms)
 *   LOG=LEVEL         none, error, warn, info, debug
 *   SERIALIZED=true|false  false: only types that are safe to copy go through Eddy
 *   KEYED_TOPICS=true|false  false: topics with keys go over the network
 *   INSTANCE_NAME, SERVICE_NAME, LOCATOR  as for every plug-in; Cyclone DDS itself reads them, too
 *
 * Anything else, and any value that makes no sense, is an error that names it.  In the environment
 * EDDY_PSMX=off: all of that is read, and nothing opened or created.
 *                                                            spec/psmx.md, "Options"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_PSMX_OPTIONS_H
#define EDDY_PSMX_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define PSMX_TEXT 4096u

struct psmx_options {
    char dir[PSMX_TEXT];      /* "": the default */
    char instance[PSMX_TEXT]; /* INSTANCE_NAME; Cyclone DDS adds it if the user did not write it */
    char locator[PSMX_TEXT];  /* "": ours */
    uint64_t limit_bytes;     /* 0: the default */
    int64_t spin_ns;          /* as in eddy_domain_options */
    bool serialized, keyed;
    bool is_off;
};

/* `config`: strings of KEY=VALUE; pairs, the last followed by one more NUL.  False: what is wrong
 * with it was said. */
bool psmx_options_read(const char *config, struct psmx_options *options);

#endif
