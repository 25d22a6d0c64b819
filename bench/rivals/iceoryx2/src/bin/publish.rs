// Loan and send through iceoryx2, for subscribers that keep up.
//
// SPDX-License-Identifier: Apache-2.0
use bench_iceoryx2::*;
use iceoryx2::prelude::*;

struct All {
    size: usize,
    publisher: Publisher,
    subscribers: Vec<Subscriber>,
    _node: Node<Ipc>,
}

static ALL: Handles<All> = Handles::new();

extern "C" fn all_open(count: u32, size: usize) {
    let node = join();
    let name = service_name("publish", std::process::id());
    let builder = node.service_builder(&name).publish_subscribe::<[u64]>();
    let builder = builder.max_subscribers(count.max(1) as usize).max_publishers(1);
    let service = must("service", builder.subscriber_max_buffer_size(2 * BATCH).create());
    let publisher = service.publisher_builder().initial_max_slice_len(size / 8);
    let subscriber = |_| must("subscriber", service.subscriber_builder().create());
    ALL.set(All {
        size,
        publisher: must("publisher", publisher.create()),
        subscribers: (0..count).map(subscriber).collect(),
        _node: node,
    });
}

extern "C" fn all_publish(count: u32) {
    let all = ALL.get();
    for i in 0..count {
        send(&all.publisher, all.size, i.into(), false);
    }
}

extern "C" fn all_drain(count: u32) {
    for (s, subscriber) in ALL.get().subscribers.iter().enumerate() {
        for i in 0..count {
            if receive(subscriber).is_none_or(|sample| sample.payload()[0] != i.into()) {
                fail(&format!("subscriber {s} lost sample {i}"));
            }
        }
    }
}

extern "C" fn all_close() {
    ALL.drop();
}

fn main() {
    let transport = BatchesTransport {
        open: all_open,
        publish: all_publish,
        drain: all_drain,
        close: Some(all_close),
    };
    run(&transport, batches_run)
}
