# The inside of bench/run.
# SPDX-License-Identifier: Apache-2.0
