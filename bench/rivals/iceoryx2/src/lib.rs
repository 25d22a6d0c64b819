// What the benchmark programs of iceoryx2 share: the C part of all benchmarks, and services.
//
// Turns, the clock, the loops and the payloads are the C ones, so that every transport is measured
// by the same instructions; see bench/pair.h, batches.h and stream.h.
//
// SPDX-License-Identifier: Apache-2.0
use iceoryx2::prelude::*;
use std::cell::UnsafeCell;
use std::ffi::{c_char, c_int, CString};
use std::fmt::Debug;
use std::os::unix::ffi::OsStringExt;

#[repr(C)]
pub struct PairSide {
    pub is_ping: bool,
    pub size: usize,
    pub mode: *const c_char,
}

#[repr(C)]
pub struct PairTransport {
    pub share: Option<extern "C" fn(usize)>,
    pub open: extern "C" fn(*const PairSide),
    pub connect: Option<extern "C" fn()>,
    pub send: extern "C" fn(u64),
    pub receive: extern "C" fn() -> u64,
    pub release: Option<extern "C" fn()>,
    pub close: Option<extern "C" fn()>,
}

#[repr(C)]
pub struct BatchesTransport {
    pub open: extern "C" fn(u32, usize),
    pub publish: extern "C" fn(u32),
    pub drain: extern "C" fn(u32),
    pub close: Option<extern "C" fn()>,
}

#[repr(C)]
pub struct StreamTransport {
    pub open: extern "C" fn(bool, usize),
    pub publish: extern "C" fn(u64),
    pub take: extern "C" fn() -> bool,
    pub close: extern "C" fn(),
}

/// BATCH of bench/batches.h.
pub const BATCH: usize = 32;

type Argv = *const *const c_char;

extern "C" {
    fn bench_fill(payload: *mut u64, bytes: usize, seq: u64);
    fn bench_drain(payload: *const u64, bytes: usize) -> u64;
    fn bench_fail(format: *const c_char, ...) -> !;
    pub fn pair_run(transport: *const PairTransport, argc: c_int, argv: Argv) -> c_int;
    pub fn batches_run(transport: *const BatchesTransport, argc: c_int, argv: Argv) -> c_int;
    pub fn stream_run(transport: *const StreamTransport, argc: c_int, argv: Argv) -> c_int;
}

/// Ends the program and tells bench/run why.
pub fn fail(why: &str) -> ! {
    let why = CString::new(why.replace('\0', " ")).unwrap();
    unsafe { bench_fail(c"%s".as_ptr(), why.as_ptr()) }
}

pub fn must<T, E: Debug>(what: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| fail(&format!("{what}: {error:?}")))
}

/// Calls one of the C loops with this program's arguments.
pub fn run<T>(transport: &T, main: unsafe extern "C" fn(*const T, c_int, Argv) -> c_int) -> ! {
    set_log_level(LogLevel::Error);
    let of_program = std::env::args_os().map(|text| CString::new(text.into_vec()).unwrap());
    let strings: Vec<CString> = of_program.collect();
    let mut argv: Vec<*const c_char> = strings.iter().map(|text| text.as_ptr()).collect();
    let argc = argv.len() as c_int;
    argv.push(std::ptr::null());
    std::process::exit(unsafe { main(transport, argc, argv.as_ptr()) })
}

/// One side's handles. The C loops call plain functions, all of them in one thread.
pub struct Handles<T>(UnsafeCell<Option<T>>);

unsafe impl<T> Sync for Handles<T> {}

impl<T> Handles<T> {
    pub const fn new() -> Self {
        Handles(UnsafeCell::new(None))
    }

    pub fn set(&self, handles: T) {
        unsafe { *self.0.get() = Some(handles) }
    }

    pub fn drop(&self) {
        unsafe { *self.0.get() = None }
    }

    /// Nobody may hold what an earlier call returned.
    #[allow(clippy::mut_from_ref)]
    pub fn get(&self) -> &mut T {
        unsafe { (*self.0.get()).as_mut().unwrap() }
    }
}

impl<T> Default for Handles<T> {
    fn default() -> Self {
        Self::new()
    }
}

pub type Ipc = ipc::Service;
pub type Publisher = iceoryx2::port::publisher::Publisher<Ipc, [u64], ()>;
pub type Subscriber = iceoryx2::port::subscriber::Subscriber<Ipc, [u64], ()>;
pub type Sample = iceoryx2::sample::Sample<Ipc, [u64], ()>;

/// A node in a world of our own, which a configuration file of the user does not change. Signals
/// end the program as they end the others.
pub fn join() -> Node<Ipc> {
    let mut config = Config::default();
    config.global.prefix = must("prefix", FileName::new(b"eddy_bench_"));
    let builder = NodeBuilder::new().config(&config);
    let builder = builder.signal_handling_mode(SignalHandlingMode::Disabled);
    must("node", builder.create())
}

/// The same in all processes of a program, and in no other program: they share their parent.
pub fn service_name(what: &str, id: u32) -> ServiceName {
    must("name", format!("{what}-{id}").as_str().try_into())
}

/// Writes and publishes one sample; `whole` or only its first word.
pub fn send(publisher: &Publisher, size: usize, seq: u64, whole: bool) {
    let mut sample = must("loan", publisher.loan_slice_uninit(size / 8));
    let payload = sample.payload_mut().as_mut_ptr().cast::<u64>();
    let sample = unsafe {
        if whole {
            bench_fill(payload, size, seq);
        } else {
            payload.write(seq);
        }
        sample.assume_init()
    };
    must("send", sample.send());
}

pub fn receive(subscriber: &Subscriber) -> Option<Sample> {
    must("receive", subscriber.receive())
}

/// Reads all of it.
pub fn drain(sample: &Sample) -> u64 {
    let payload = sample.payload();
    unsafe { bench_drain(payload.as_ptr(), payload.len() * 8) }
}
