# frozen_string_literal: true

require "fileutils"
require "rbconfig"

# Builds the extension with AddressSanitizer, and runs servers with it: every access of its unsafe code is checked.
module Sanitize
  TARGET = "x86_64-unknown-linux-gnu"
  DIRECTORY = "tmp/sanitize"
  # What the tests need of the tree; the extension in it is another.
  PARTS = %w[lib exe test docs].freeze
  # Ruby's collector keeps what it frees late, and looks for values on the real stack; signal stacks are Ruby's own.
  OPTIONS = "detect_leaks=0:detect_stack_use_after_return=0:use_sigaltstack=0:handle_segv=0"

  class << self
    # Sanitizers are not stable in rustc, whose stable releases have them all the same.
    def environment
      { "RUSTC_BOOTSTRAP" => "1", "RUSTFLAGS" => "-Zsanitizer=address -Zexternal-clangrt", "RUBY" => RbConfig.ruby,
        "CARGO_TARGET_DIR" => File.expand_path("tmp/sanitize-target") }
    end

    # @return [String] gcc's runtime, which has the interface of LLVM's and can be loaded before Ruby
    def runtime
      path = `gcc -print-file-name=libasan.so`.chomp
      abort "rake sanitize needs gcc's libasan: apt-get install gcc" unless File.exist?(path)
      File.realpath(path)
    end

    def copy
      FileUtils.rm_rf(DIRECTORY)
      FileUtils.mkdir_p(DIRECTORY)
      FileUtils.cp_r(PARTS, DIRECTORY)
      FileUtils.cp("tmp/sanitize-target/#{TARGET}/debug/libpitchfork.so", "#{DIRECTORY}/#{EXTENSION}")
    end

    # @return [Boolean] whether the test passes
    def test(file)
      options = "#{OPTIONS}:log_path=#{File.expand_path(DIRECTORY)}/report"
      system({ "LD_PRELOAD" => runtime, "ASAN_OPTIONS" => options }, RbConfig.ruby, "-Ilib", "-Itest", file, chdir: DIRECTORY)
    end
  end
end

desc "Run tests with the extension built with AddressSanitizer (TEST=glob, default test/http)"
task :sanitize do
  flags = %W[--locked --package pitchfork --profile dev --target #{Sanitize::TARGET}]
  built = system(Sanitize.environment, "cargo", "build", *flags)
  abort "the extension could not be built with AddressSanitizer" unless built
  Sanitize.copy
  # Those with programs of others run these under the sanitizer, too.
  files = Dir.glob(ENV.fetch("TEST", "test/http/**/*_test.rb")).grep_v(/differential/).sort
  failed = files.reject { |file| Sanitize.test(file) }
  reports = Dir.glob("#{Sanitize::DIRECTORY}/report.*")
  reports.each { |report| puts File.read(report) }
  abort "sanitize: #{reports.size} reports, failed: #{failed.join(" ")}" unless reports.empty? && failed.empty?
  puts "sanitize: nothing found in #{files.size} files"
end
