# frozen_string_literal: true

# Fuzzing of the HTTP code with cargo-fuzz. What an input has to fulfil is in ext/core/tests/properties. `cargo test` replays the
# inputs in ext/core/fuzz/corpus without any of this: an input that was a finding is copied there, under a name that tells.

FUZZ_DIRECTORY = "ext/core/fuzz"
# New inputs, the build and findings: none of it belongs into the repository.
FUZZ_WORK = "tmp/fuzz"
FUZZ_TARGETS = %w[head chunked body response_head].freeze

# A hang, unbounded memory, or an input that blows up, is a finding as much as a crash.
FUZZ_BOUNDS = %w[-timeout=10 -rss_limit_mb=2048 -max_len=4096].freeze

def fuzz(command, target, *arguments)
  # Coverage counters and sanitizers are options that only nightly compilers admit to; stable ones have them, too.
  environment = { "RUSTC_BOOTSTRAP" => "1" }
  directories = %W[--fuzz-dir #{FUZZ_DIRECTORY} --target-dir #{FUZZ_WORK}/target]
  outside_bundle { sh(environment, "cargo", "fuzz", command, *directories, target, *arguments) }
end

def seeds(target)
  "#{FUZZ_DIRECTORY}/corpus/#{target}"
end

namespace :fuzz do
  task :installed do
    next if system("cargo", "fuzz", "--version", out: File::NULL, err: File::NULL)

    abort "rake fuzz needs cargo-fuzz and a C++ compiler: cargo install cargo-fuzz, and apt-get install g++"
  end

  FUZZ_TARGETS.each do |target|
    desc "Fuzz core::http: #{target} (SECONDS=60)"
    task target => :installed do
      found = "#{FUZZ_WORK}/#{target}"
      findings = "#{FUZZ_WORK}/findings/#{target}-"
      mkdir_p [found, File.dirname(findings)]
      fuzz "run", target, found, seeds(target), "--", *FUZZ_BOUNDS, "-max_total_time=#{ENV.fetch("SECONDS", "60")}",
           "-dict=#{FUZZ_DIRECTORY}/http.dict", "-artifact_prefix=#{findings}", "-print_final_stats=1", "-verbosity=0"
    end
  end
end

desc "Fuzz the HTTP code, each target for SECONDS=60 (needs cargo-fuzz)"
task fuzz: FUZZ_TARGETS.map { |target| "fuzz:#{target}" }
