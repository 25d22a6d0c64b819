// Links the benchmarks' own C part: CMake has built it and says where.
// SPDX-License-Identifier: Apache-2.0
use std::env::var;

fn main() {
    let folder = var("BENCH_COMMON_DIR").expect("BENCH_COMMON_DIR: let CMake run cargo");
    println!("cargo:rerun-if-env-changed=BENCH_COMMON_DIR");
    println!("cargo:rerun-if-changed={folder}/libbench_common.a");
    println!("cargo:rustc-link-search=native={folder}");
    println!("cargo:rustc-link-lib=static=bench_common");
}
