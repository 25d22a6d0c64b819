/* eddy/sized.h - what the functions that are given a struct with options are in the library.
 *
 * The size of the struct goes along, as the caller knows it: eddy_writer_open(..., options, ...) is
 * eddy_writer_open_sized(..., options, sizeof *options, ...), which the header writes for C and C++.
 * So options can become longer.  The library takes what is missing at the end for zero, which means
 * default; what it does not know itself must be zero, else it is refused (EDDY_EINVAL, and
 * eddy_last_error names it).  A struct may be NULL where its function allows it, whatever its size.
 *
 * Only bindings of other languages call these by themselves.  What each does stands where the
 * function without _sized is declared.                           spec/api.md, "How it can grow"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_SIZED_H
#define EDDY_SIZED_H

#include <eddy/errors.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct eddy_adoption;
struct eddy_client;
struct eddy_client_options;
struct eddy_domain;
struct eddy_domain_options;
struct eddy_export;
struct eddy_exporter;
struct eddy_exporter_options;
struct eddy_importer;
struct eddy_importer_options;
struct eddy_join_info;
struct eddy_join_options;
struct eddy_loan;
struct eddy_loan_options;
struct eddy_notes;
struct eddy_publication;
struct eddy_reader;
struct eddy_reader_options;
struct eddy_region;
struct eddy_region_options;
struct eddy_reservation;
struct eddy_ring;
struct eddy_ring_options;
struct eddy_ring_wanted;
struct eddy_server;
struct eddy_server_options;
struct eddy_slots;
struct eddy_slots_options;
struct eddy_topic_identity;
struct eddy_watch;
struct eddy_watch_options;
struct eddy_writer;
struct eddy_writer_options;

/* eddy/domain.h */
EDDY_API int eddy_domain_open_sized(const struct eddy_domain_options *options, size_t options_size,
                                    struct eddy_domain **domain);

/* eddy/topic.h */
EDDY_API int eddy_writer_open_sized(struct eddy_domain *domain,
                                    const struct eddy_topic_identity *topic, size_t topic_size,
                                    const struct eddy_writer_options *options, size_t options_size,
                                    struct eddy_writer **writer);
EDDY_API int eddy_reader_open_sized(struct eddy_domain *domain,
                                    const struct eddy_topic_identity *topic, size_t topic_size,
                                    const struct eddy_reader_options *options, size_t options_size,
                                    struct eddy_reader **reader);
EDDY_API int eddy_reader_attach_sized(struct eddy_domain *domain, const char *flink_path,
                                      const struct eddy_reader_options *options,
                                      size_t options_size, struct eddy_reader **reader);
EDDY_API int eddy_writer_loan_with_sized(struct eddy_writer *writer,
                                         const struct eddy_loan_options *options,
                                         size_t options_size, uint64_t deadline,
                                         struct eddy_loan *loan);
EDDY_API int eddy_writer_publish_with_sized(struct eddy_writer *writer, struct eddy_loan *loan,
                                            size_t size, const struct eddy_publication *publication,
                                            size_t publication_size, uint64_t deadline);
EDDY_API int eddy_writer_publish_many_sized(struct eddy_writer *writer, struct eddy_loan *loans,
                                            size_t count,
                                            const struct eddy_publication *publications,
                                            size_t publication_size, uint64_t deadline,
                                            size_t *published);
EDDY_API int eddy_writer_note_sized(struct eddy_writer *writer, const struct eddy_notes *notes,
                                    size_t notes_size);
EDDY_API int eddy_reader_note_sized(struct eddy_reader *reader, const struct eddy_notes *notes,
                                    size_t notes_size);

/* eddy/call.h */
EDDY_API int eddy_client_open_sized(struct eddy_domain *domain,
                                    const struct eddy_topic_identity *service, size_t service_size,
                                    const struct eddy_client_options *options, size_t options_size,
                                    struct eddy_client **client);
EDDY_API int eddy_server_open_sized(struct eddy_domain *domain,
                                    const struct eddy_topic_identity *service, size_t service_size,
                                    const struct eddy_server_options *options, size_t options_size,
                                    struct eddy_server **server);

/* eddy/watch.h */
EDDY_API int eddy_reader_watch_sized(struct eddy_reader *reader,
                                     const struct eddy_watch_options *options, size_t options_size,
                                     struct eddy_watch **watch);
EDDY_API int eddy_writer_watch_sized(struct eddy_writer *writer,
                                     const struct eddy_watch_options *options, size_t options_size,
                                     struct eddy_watch **watch);

/* eddy/memory.h */
EDDY_API int eddy_writer_reserve_sized(struct eddy_writer *writer,
                                       const struct eddy_reservation *reservation,
                                       size_t reservation_size);

/* eddy/foreign.h */
EDDY_API int eddy_exporter_open_sized(struct eddy_writer *writer,
                                      const struct eddy_exporter_options *options,
                                      size_t options_size, struct eddy_exporter **exporter);
EDDY_API int eddy_exporter_publish_sized(struct eddy_exporter *exporter,
                                         const struct eddy_export *what, size_t what_size,
                                         const struct eddy_publication *publication,
                                         size_t publication_size, uint64_t deadline);
EDDY_API int eddy_importer_open_sized(struct eddy_domain *domain,
                                      const struct eddy_importer_options *options,
                                      size_t options_size, struct eddy_importer **importer);

/* eddy/slots.h */
EDDY_API int eddy_slots_create_sized(struct eddy_domain *domain, const char *flink_path,
                                     const struct eddy_slots_options *options, size_t options_size,
                                     struct eddy_slots **slots);

/* eddy/ring.h */
EDDY_API int eddy_ring_create_sized(struct eddy_domain *domain, const char *name,
                                    const struct eddy_ring_options *options, size_t options_size,
                                    struct eddy_ring **ring);
EDDY_API int eddy_ring_attach_sized(struct eddy_domain *domain, const char *name, int role,
                                    const struct eddy_ring_wanted *wanted, size_t wanted_size,
                                    struct eddy_ring **ring);

/* eddy/region.h */
EDDY_API int eddy_region_create_sized(struct eddy_domain *domain, const char *name,
                                      const struct eddy_region_options *options,
                                      size_t options_size, struct eddy_region **region);
EDDY_API int eddy_region_attach_sized(struct eddy_domain *domain, const char *name,
                                      const struct eddy_region_options *options,
                                      size_t options_size, struct eddy_region **region);
EDDY_API int eddy_region_create_path_sized(const char *path,
                                           const struct eddy_region_options *options,
                                           size_t options_size, struct eddy_region **region);
EDDY_API int eddy_region_attach_path_sized(const char *path,
                                           const struct eddy_region_options *options,
                                           size_t options_size, struct eddy_region **region);
EDDY_API int eddy_region_create_nameless_sized(const struct eddy_region_options *options,
                                               size_t options_size, struct eddy_region **region);
EDDY_API int eddy_region_attach_fd_sized(int fd, uint64_t bytes,
                                         const struct eddy_region_options *options,
                                         size_t options_size, struct eddy_region **region);
EDDY_API int eddy_region_receive_sized(int socket, const struct eddy_region_options *options,
                                       size_t options_size, uint64_t deadline,
                                       struct eddy_region **region);

/* eddy/join.h */
EDDY_API int eddy_join_sized(struct eddy_domain *domain, const char *name,
                             const struct eddy_join_options *options, size_t options_size,
                             struct eddy_join_info *info, void **handle);
EDDY_API int eddy_join_adopt_sized(const struct eddy_adoption *adoption, size_t adoption_size);

#ifdef __cplusplus
}
#endif
#endif
