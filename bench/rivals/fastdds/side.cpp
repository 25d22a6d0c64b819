// side.cpp - what the benchmarks use of Fast DDS, for C: one participant, samples of one size.
//
// SPDX-License-Identifier: Apache-2.0
#include "side.h"

#include <fastdds/dds/core/condition/WaitSet.hpp>
#include <fastdds/dds/domain/DomainParticipant.hpp>
#include <fastdds/dds/domain/DomainParticipantFactory.hpp>
#include <fastdds/dds/publisher/DataWriter.hpp>
#include <fastdds/dds/publisher/Publisher.hpp>
#include <fastdds/dds/subscriber/DataReader.hpp>
#include <fastdds/dds/subscriber/ReadCondition.hpp>
#include <fastdds/dds/subscriber/SampleInfo.hpp>
#include <fastdds/dds/subscriber/Subscriber.hpp>
#include <fastdds/dds/topic/TopicDataType.hpp>
#include <fastdds/dds/topic/TypeSupport.hpp>
#include <fastdds/rtps/transport/shared_mem/SharedMemTransportDescriptor.h>
#include <fastrtps/xmlparser/XMLProfileManager.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

// slice.h, where it stands, is for C only.
extern "C" [[noreturn]] void bench_fail(const char *format, ...);

namespace fast = eprosima::fastdds::dds;
namespace rtps = eprosima::fastrtps::rtps;
using eprosima::fastrtps::types::ReturnCode_t;

namespace
{

constexpr uint32_t header_size = 4; // of every sample in DDS: how it is encoded
constexpr auto a_while = std::chrono::milliseconds(1);
constexpr auto settling = std::chrono::milliseconds(300);
constexpr auto patience = std::chrono::seconds(10);

// So many bytes, the same in memory as on the wire.
class Bytes : public fast::TopicDataType
{
  public:
    explicit Bytes(size_t bytes) : size(static_cast<uint32_t>(bytes))
    {
        m_typeSize = size + header_size;
        setName(("bench::Bytes" + std::to_string(size)).c_str());
        auto_fill_type_object(false);
        auto_fill_type_information(false);
    }

    bool serialize(void *data, rtps::SerializedPayload_t *payload) override
    {
        const rtps::octet header[header_size] = {0, 1, 0, 0}; // plain CDR, little endian
        memcpy(payload->data, header, header_size);
        memcpy(payload->data + header_size, data, size);
        payload->encapsulation = CDR_LE;
        payload->length = size + header_size;
        return true;
    }

    bool deserialize(rtps::SerializedPayload_t *payload, void *data) override
    {
        bool fits = payload->length == size + header_size;
        if (fits) {
            memcpy(data, payload->data + header_size, size);
        }
        return fits;
    }

    std::function<uint32_t()> getSerializedSizeProvider(void *) override
    {
        return [this] { return size + header_size; };
    }

    void *createData() override
    {
        return calloc(1, size);
    }

    void deleteData(void *data) override
    {
        free(data);
    }

    bool getKey(void *, rtps::InstanceHandle_t *, bool) override
    {
        return false;
    }

    bool is_bounded() const override
    {
        return true;
    }

    bool is_plain() const override
    {
        return true;
    }

    bool construct_sample(void *) const override
    {
        return true;
    }

  private:
    uint32_t size;
};

struct Word {
    uint32_t word; // where a sample begins; Fast DDS keeps pointers, and never looks at it
};

void must(bool held, const char *what)
{
    if (!held) {
        bench_fail("Fast DDS: %s failed", what);
    }
}

void must(ReturnCode_t rc, const char *what)
{
    if (rc != ReturnCode_t::RETCODE_OK) {
        bench_fail("Fast DDS: %s: return code %u", what, rc());
    }
}

} // namespace

struct fastdds_writer {
    fast::DataWriter *writer;
};

struct fastdds_reader : fast::DataReaderListener {
    fast::DataReader *reader = nullptr;
    void (*on_data)(void) = nullptr;
    fast::ReadCondition *condition = nullptr; // where there is no on_data
    fast::WaitSet waitset;
    fast::LoanableSequence<Word> samples;
    fast::SampleInfoSeq infos;

    void on_data_available(fast::DataReader *) override
    {
        on_data();
    }
};

namespace
{

fastdds_options options;
fast::DomainParticipant *participant;
fast::Publisher *publisher;
fast::Subscriber *subscriber;
std::map<std::string, fast::Topic *> topics;
std::vector<fastdds_reader *> readers;

// A sample is one message of the transport, and as many as a history holds have room in it.
void use_shared_memory(fast::DomainParticipantQos &qos)
{
    auto transport = std::make_shared<eprosima::fastdds::rtps::SharedMemTransportDescriptor>();
    uint32_t message = std::max<uint32_t>(static_cast<uint32_t>(options.size) + 1024, 65500);
    transport->max_message_size(message);
    transport->segment_size(message * std::max(8u, std::min(options.depth, 256u << 20 / message)));
    transport->port_queue_capacity(8192); // a batch for 64 readers, who share the port
    qos.transport().use_builtin_transports = false;
    qos.transport().user_transports.push_back(transport);
}

// What writers and readers have in common.
template <typename Qos> Qos endpoint_qos(Qos qos, unsigned room)
{
    int depth = static_cast<int>(room);
    qos.reliability().kind = fast::RELIABLE_RELIABILITY_QOS;
    qos.reliability().max_blocking_time = eprosima::fastrtps::Duration_t(patience.count(), 0);
    qos.durability().kind = fast::VOLATILE_DURABILITY_QOS;
    qos.history().kind = options.blocks ? fast::KEEP_ALL_HISTORY_QOS : fast::KEEP_LAST_HISTORY_QOS;
    qos.history().depth = depth;
    qos.resource_limits().max_samples = depth;
    qos.resource_limits().max_instances = 1;
    qos.resource_limits().max_samples_per_instance = depth;
    qos.resource_limits().allocated_samples = depth;
    if (strcmp(options.way, "shm") == 0) {
        qos.data_sharing().off();
    } else {
        qos.data_sharing().on("");
    }
    return qos;
}

fast::Topic *topic_of(const char *name)
{
    fast::Topic *&topic = topics[name];
    if (!topic) {
        fast::TypeSupport type(new Bytes(options.size));
        must(type.register_type(participant), "registering the type");
        topic = participant->create_topic(name, type.get_type_name(), fast::TOPIC_QOS_DEFAULT);
        must(topic != nullptr, "creating a topic");
    }
    return topic;
}

} // namespace

void fastdds_open(const fastdds_options *of)
{
    options = *of;
    // What is measured is between processes, also where there is only one.
    eprosima::fastrtps::LibrarySettingsAttributes settings;
    settings.intraprocess_delivery = eprosima::fastrtps::INTRAPROCESS_OFF;
    eprosima::fastrtps::xmlparser::XMLProfileManager::library_settings(settings);
    fast::DomainParticipantQos qos;
    use_shared_memory(qos);
    auto *factory = fast::DomainParticipantFactory::get_instance();
    participant = factory->create_participant(options.domain, qos);
    must(participant != nullptr, "creating a participant");
    publisher = participant->create_publisher(fast::PUBLISHER_QOS_DEFAULT);
    subscriber = participant->create_subscriber(fast::SUBSCRIBER_QOS_DEFAULT);
    must(publisher && subscriber, "creating a publisher and a subscriber");
}

void fastdds_close(void)
{
    for (auto *opened : readers) {
        if (opened->condition) {
            must(opened->waitset.detach_condition(*opened->condition), "detaching");
            must(opened->reader->delete_readcondition(opened->condition), "deleting it");
        }
    }
    must(participant->delete_contained_entities(), "deleting all");
    must(fast::DomainParticipantFactory::get_instance()->delete_participant(participant),
         "deleting");
}

fastdds_writer *fastdds_writer_open(const char *topic)
{
    auto qos = endpoint_qos(fast::DataWriterQos(), options.depth);
    qos.reliable_writer_qos().times.nackResponseDelay = 0; // else a full history waits for 5 ms
    auto *writer = publisher->create_datawriter(topic_of(topic), qos);
    must(writer != nullptr, "creating a writer");
    return new fastdds_writer{writer};
}

fastdds_reader *fastdds_reader_open(const char *topic, void (*on_data)(void))
{
    auto qos = endpoint_qos(fast::DataReaderQos(), options.depth * options.writers);
    qos.reliable_reader_qos().times.heartbeatResponseDelay = 0; // the same
    auto *opened = new fastdds_reader;
    opened->on_data = on_data;
    auto mask = on_data ? fast::StatusMask::data_available() : fast::StatusMask::none();
    opened->reader = subscriber->create_datareader(topic_of(topic), qos, opened, mask);
    must(opened->reader != nullptr, "creating a reader");
    if (!on_data) {
        opened->condition = opened->reader->create_readcondition(
            fast::ANY_SAMPLE_STATE, fast::ANY_VIEW_STATE, fast::ANY_INSTANCE_STATE);
        must(opened->condition != nullptr, "creating a condition");
        must(opened->waitset.attach_condition(*opened->condition), "attaching it");
    }
    readers.push_back(opened);
    return opened;
}

void fastdds_writer_connect(fastdds_writer *writer, unsigned readers)
{
    fast::PublicationMatchedStatus now;
    do {
        std::this_thread::sleep_for(a_while);
        must(writer->writer->get_publication_matched_status(now), "asking who reads");
    } while (now.current_count < static_cast<int>(readers));
    std::this_thread::sleep_for(settling); // they do not know us yet
}

void fastdds_reader_connect(fastdds_reader *reader, unsigned writers)
{
    fast::SubscriptionMatchedStatus now;
    do {
        std::this_thread::sleep_for(a_while);
        must(reader->reader->get_subscription_matched_status(now), "asking who writes");
    } while (now.current_count < static_cast<int>(writers));
}

void *fastdds_loan(fastdds_writer *writer)
{
    void *sample = nullptr;
    must(writer->writer->loan_sample(sample), "loan");
    return sample;
}

void fastdds_write(fastdds_writer *writer, void *sample)
{
    // A writer that had to wait for room is told that time is over, even when there is room now.
    auto end = std::chrono::steady_clock::now() + patience;
    ReturnCode_t rc;
    do {
        rc = writer->writer->write(sample, fast::HANDLE_NIL);
    } while (rc == ReturnCode_t::RETCODE_TIMEOUT && std::chrono::steady_clock::now() < end);
    must(rc, "write");
}

const void *fastdds_take(fastdds_reader *reader)
{
    while (reader->reader->take(reader->samples, reader->infos, 1) == ReturnCode_t::RETCODE_OK) {
        if (reader->infos[0].valid_data) {
            return &reader->samples[0];
        }
        fastdds_release(reader);
    }
    return nullptr;
}

void fastdds_release(fastdds_reader *reader)
{
    must(reader->reader->return_loan(reader->samples, reader->infos), "returning a loan");
}

bool fastdds_wait(fastdds_reader *reader, int milliseconds)
{
    fast::ConditionSeq ready;
    auto limit = eprosima::fastrtps::c_TimeInfinite;
    if (milliseconds >= 0) {
        limit = eprosima::fastrtps::Duration_t(milliseconds / 1e3L);
    }
    auto rc = reader->waitset.wait(ready, limit);
    if (rc != ReturnCode_t::RETCODE_TIMEOUT) {
        must(rc, "wait");
    }
    return rc == ReturnCode_t::RETCODE_OK;
}
