/* payload.c - see payload.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "payload.h"

#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t stir(uint64_t word)
{
    word ^= word >> 31;
    word *= UINT64_C(0x9E3779B97F4A7C15);
    return word ^ (word >> 29);
}

static uint64_t sum_of(const struct payload *payload)
{
    return stir(payload->author + stir(payload->number + stir(payload->size)));
}

void payload_fill(void *data, size_t size, uint64_t author, uint64_t number)
{
    struct payload head = {.author = author, .number = number, .size = size};
    head.sum = sum_of(&head);
    memcpy(data, &head, sizeof head);
    uint64_t word = head.sum;
    unsigned char *at = (unsigned char *)data + sizeof head;
    size_t left = size - sizeof head;
    for (; left >= sizeof word; left -= sizeof word, at += sizeof word) {
        word += UINT64_C(0x9E3779B97F4A7C15);
        memcpy(at, &word, sizeof word);
    }
    memset(at, (int)(head.sum & 0xff), left);
}

bool payload_whole(const void *data, size_t size, struct payload *payload)
{
    struct payload head;
    if (size < sizeof head)
        return false;
    memcpy(&head, data, sizeof head);
    if (head.size != size || head.sum != sum_of(&head))
        return false;
    *payload = head;
    uint64_t word = head.sum;
    const unsigned char *at = (const unsigned char *)data + sizeof head;
    size_t left = size - sizeof head;
    for (; left >= sizeof word; left -= sizeof word, at += sizeof word) {
        word += UINT64_C(0x9E3779B97F4A7C15);
        if (memcmp(at, &word, sizeof word) != 0)
            return false;
    }
    for (; left > 0; left--)
        if (*at++ != (unsigned char)(head.sum & 0xff))
            return false;
    return true;
}

void payload_publish(eddy_writer *writer, size_t size, uint64_t author, uint64_t number)
{
    struct eddy_loan loan;
    must(eddy_writer_loan(writer, size, patience(), &loan));
    payload_fill(loan.data, size, author, number);
    must(eddy_writer_publish(writer, &loan, size, patience()));
}

struct payload payload_of(const struct eddy_sample *sample)
{
    struct payload payload = {0};
    if (!payload_whole(sample->data, sample->size, &payload))
        check_fail(CHECK_HERE("payload_of"), "sample %llu of %zu bytes is not whole",
                   (unsigned long long)sample->sn, sample->size);
    return payload;
}

struct payload payload_take(eddy_reader *reader)
{
    struct eddy_sample sample;
    must(eddy_reader_take(reader, &sample));
    struct payload payload = payload_of(&sample);
    must(eddy_reader_release(reader, &sample));
    return payload;
}

struct payload payload_await(eddy_reader *reader)
{
    must(eddy_reader_wait(reader, patience()));
    return payload_take(reader);
}

uint64_t payload_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

uint64_t payload_seed(void)
{
    const char *given = getenv("EDDY_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : eddy_now();
    seed = seed ? seed : 1;
    printf("EDDY_TEST_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}
