# SPDX-License-Identifier: Apache-2.0
"""What scripts/mutants leaves out, and what its short form takes in."""

# file, words of the line, orders, why no test reports it
EXCEPTIONS = []

# file, words of the line
SHORT = []
