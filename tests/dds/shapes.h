/* shapes.h - the types of shapes.idl, for type.c to find; each list ends with a row of zeroes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_SHAPES_H
#define NODE_SHAPES_H

#include "type.h"

extern const struct node_type node_shapes_plain[];   /* of one size */
extern const struct node_type node_shapes_varying[]; /* with strings and sequences */
extern const struct node_type node_shapes_keys[];    /* with a key of another kind than a long */

#endif
