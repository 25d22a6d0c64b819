// Publishers and subscribers of iceoryx2 at full speed: nothing is overwritten, publishers wait.
//
// Subscribers poll and let others run in between, and sleep once nothing has come for long: an
// event service would cost each sample a notification, which is more than the sample costs.
//
// SPDX-License-Identifier: Apache-2.0
use bench_iceoryx2::*;
use iceoryx2::prelude::*;
use std::time::Duration;

const DEPTH: usize = 64;
const PATIENCE: u32 = 10_000; // polls in vain, then it sleeps
const NAP: Duration = Duration::from_millis(5);

struct Side {
    size: usize,
    in_vain: u32,
    publisher: Option<Publisher>,
    subscriber: Option<Subscriber>,
    _node: Node<Ipc>,
}

static SIDE: Handles<Side> = Handles::new();
static PROGRAM: Handles<u32> = Handles::new();

/// How many writers (1) or readers (2) there will be.
fn argument(number: usize) -> usize {
    std::env::args().nth(number).and_then(|text| text.parse().ok()).unwrap_or(1)
}

extern "C" fn side_open(is_writer: bool, size: usize) {
    let node = join();
    let name = service_name("throughput", *PROGRAM.get());
    let builder = node.service_builder(&name).publish_subscribe::<[u64]>();
    let builder = builder.max_publishers(argument(1)).max_subscribers(argument(2));
    let builder = builder.subscriber_max_buffer_size(DEPTH).enable_safe_overflow(false);
    let service = must("service", builder.open_or_create());
    let publisher = service.publisher_builder().initial_max_slice_len(size / 8);
    let publisher = publisher.backpressure_strategy(BackpressureStrategy::RetryUntilDelivered);
    SIDE.set(Side {
        size,
        in_vain: 0,
        publisher: is_writer.then(|| must("publisher", publisher.create())),
        subscriber: (!is_writer).then(|| must("subscriber", service.subscriber_builder().create())),
        _node: node,
    });
}

extern "C" fn side_publish(seq: u64) {
    let side = SIDE.get();
    send(side.publisher.as_ref().unwrap(), side.size, seq, true);
}

extern "C" fn side_take() -> bool {
    let side = SIDE.get();
    if let Some(sample) = receive(side.subscriber.as_ref().unwrap()) {
        drain(&sample);
        side.in_vain = 0;
        return true;
    }
    side.in_vain += 1;
    if side.in_vain < PATIENCE {
        std::thread::yield_now();
    } else {
        std::thread::sleep(NAP);
    }
    false
}

extern "C" fn side_close() {
    SIDE.drop();
}

fn main() {
    PROGRAM.set(std::process::id());
    let transport = StreamTransport {
        open: side_open,
        publish: side_publish,
        take: side_take,
        close: side_close,
    };
    run(&transport, stream_run)
}
