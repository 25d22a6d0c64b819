// Ping-pong through iceoryx2.
//
// Modes: spin polls; wait sleeps in a listener; waitset sleeps in a wait set that has the listener.
// Whoever waits needs an event service beside the samples, and a notification for each of them.
//
// SPDX-License-Identifier: Apache-2.0
use bench_iceoryx2::*;
use iceoryx2::port::{listener::Listener, notifier::Notifier};
use iceoryx2::prelude::*;
use std::ffi::CStr;
use std::time::Duration;

type Samples = iceoryx2::service::port_factory::publish_subscribe::PortFactory<Ipc, [u64], ()>;
type Events = iceoryx2::service::port_factory::event::PortFactory<Ipc>;

/// How a side learns that something came. Wait set and listener are never freed: one borrows the
/// other.
struct Bell {
    notifier: Notifier<Ipc>,
    listener: &'static Listener<Ipc>,
    waitset: Option<(&'static WaitSet<Ipc>, WaitSetGuard<'static, 'static, Ipc>)>,
    events: [Events; 2],
}

struct Side {
    sample: Option<Sample>,
    size: usize,
    publisher: Publisher,
    subscriber: Subscriber,
    bell: Option<Bell>,
    samples: [Samples; 2],
    _node: Node<Ipc>,
}

static SIDE: Handles<Side> = Handles::new();
static PROGRAM: Handles<u32> = Handles::new();

fn samples_open(node: &Node<Ipc>, name: &str) -> Samples {
    let builder = node.service_builder(&service_name(name, *PROGRAM.get()));
    must(name, builder.publish_subscribe::<[u64]>().open_or_create())
}

fn events_open(node: &Node<Ipc>, name: &str) -> Events {
    let builder = node.service_builder(&service_name(name, *PROGRAM.get()));
    must(name, builder.event().open_or_create())
}

fn bell_open(node: &Node<Ipc>, out: &str, back: &str, with_waitset: bool) -> Bell {
    let events = [events_open(node, out), events_open(node, back)];
    let listener = must("listener", events[1].listener_builder().create());
    let listener: &'static Listener<Ipc> = Box::leak(Box::new(listener));
    let waitset = with_waitset.then(|| {
        let builder = WaitSetBuilder::new().signal_handling_mode(SignalHandlingMode::Disabled);
        let waitset: &'static WaitSet<Ipc> =
            Box::leak(Box::new(must("wait set", builder.create())));
        (waitset, must("attach", waitset.attach_notification(listener)))
    });
    let notifier = must("notifier", events[0].notifier_builder().create());
    Bell { notifier, listener, waitset, events }
}

extern "C" fn side_open(side: *const PairSide) {
    let side = unsafe { &*side };
    let mode = unsafe { CStr::from_ptr(side.mode) }.to_bytes();
    let (out, back) = if side.is_ping { ("ping", "pong") } else { ("pong", "ping") };
    let node = join();
    let samples = [samples_open(&node, out), samples_open(&node, back)];
    let builder = samples[0].publisher_builder().initial_max_slice_len(side.size / 8);
    let bell = (mode != b"spin").then(|| bell_open(&node, out, back, mode == b"waitset"));
    SIDE.set(Side {
        sample: None,
        size: side.size,
        publisher: must("publisher", builder.create()),
        subscriber: must("subscriber", samples[1].subscriber_builder().create()),
        bell,
        samples,
        _node: node,
    });
}

extern "C" fn side_connect() {
    let side = SIDE.get();
    let is_there = |samples: &Samples| {
        let now = samples.dynamic_config();
        now.number_of_publishers() == 1 && now.number_of_subscribers() == 1
    };
    let hears = |events: &Events| {
        let now = events.dynamic_config();
        now.number_of_notifiers() == 1 && now.number_of_listeners() == 1
    };
    while !side.samples.iter().all(is_there)
        || !side.bell.iter().all(|bell| bell.events.iter().all(hears))
    {
        std::thread::sleep(Duration::from_millis(1));
    }
}

extern "C" fn side_send(seq: u64) {
    let side = SIDE.get();
    send(&side.publisher, side.size, seq, true);
    if let Some(bell) = &side.bell {
        must("notify", bell.notifier.notify());
    }
}

fn sleep(bell: &Bell) {
    if let Some((waitset, _)) = &bell.waitset {
        must(
            "wait",
            waitset.wait_and_process_once(|_| {
                must("listener", bell.listener.try_wait(|_| ()));
                CallbackProgression::Continue
            }),
        );
    } else {
        must("wait", bell.listener.blocking_wait(|_| ()));
    }
}

extern "C" fn side_receive() -> u64 {
    let side = SIDE.get();
    loop {
        side.sample = receive(&side.subscriber);
        match (&side.sample, &side.bell) {
            (Some(sample), _) => return drain(sample),
            (None, Some(bell)) => sleep(bell),
            (None, None) => (),
        }
    }
}

extern "C" fn side_release() {
    SIDE.get().sample = None;
}

extern "C" fn side_close() {
    SIDE.drop();
}

fn main() {
    PROGRAM.set(std::process::id());
    let transport = PairTransport {
        share: None,
        open: side_open,
        connect: Some(side_connect),
        send: side_send,
        receive: side_receive,
        release: Some(side_release),
        close: Some(side_close),
    };
    run(&transport, pair_run)
}
