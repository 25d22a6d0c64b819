/* eddy/eddy.h - all of Eddy: zero-copy publish/subscribe between the processes of one Linux host.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_EDDY_H
#define EDDY_EDDY_H

#include <eddy/call.h>
#include <eddy/domain.h>
#include <eddy/errors.h>
#include <eddy/foreign.h>
#include <eddy/inspect.h>
#include <eddy/join.h>
#include <eddy/locator.h>
#include <eddy/log.h>
#include <eddy/memory.h>
#include <eddy/region.h>
#include <eddy/ring.h>
#include <eddy/slots.h>
#include <eddy/topic.h>
#include <eddy/version.h>
#include <eddy/waitset.h>
#include <eddy/watch.h>

#endif
