# frozen_string_literal: true

require "etc"
require "open3"
require "rake/testtask"
require "shellwords"

def test_task(name, pattern, description)
  Rake::TestTask.new(name => :compile) do |task|
    task.description = "#{description} (TEST=path for one file)"
    task.libs = %w[lib test]
    task.pattern = pattern
    task.warning = true
  end
end

# Most of these tests wait for processes. So the files are dealt out, the largest first, to as many processes as there are
# processors, which print what they have to say one after the other: each test by name, as the last one named is where a
# process has died that says no more.
def parallel_test_task(name, pattern, description)
  desc "#{description} (TEST=path for one file)"
  task name => :compile do
    files = FileList[ENV["TEST"] || pattern].sort_by { |file| -File.size(file) }
    shares = files.each_with_index.group_by { |_, at| at % Etc.nprocessors }.values.map { |share| share.map(&:first) }
    shares = shares.map do |share|
      load_all = "ARGV.shift(#{share.size}).each { |file| require File.expand_path(file) }"
      options = ["--verbose", *ENV["TESTOPTS"].to_s.shellsplit]
      Thread.new { Open3.capture2e(RbConfig.ruby, "-w", "-Ilib", "-Itest", "-e", load_all, "--", *share, *options) }
    end
    passed, failed = shares.map(&:value).partition { |_, status| status.success? }
    (passed + failed).each { |said, _| puts said }
    $stdout.flush
    abort "test:#{name}: #{failed.map(&:last).join(", ")}" unless failed.empty?
  end
end

namespace :test do
  %w[unit http clients chaos].each do |part|
    test_task(part, "test/#{part}/**/*_test.rb", "Run the tests in test/#{part}")
  end
  parallel_test_task(:integration, "test/integration/**/*_test.rb", "Run the tests in test/integration")

  desc "Run the tests of the pure Rust crate"
  task :rust do
    if system("cargo", "nextest", "--version", out: File::NULL, err: File::NULL)
      cargo "nextest", "run", "--locked", "--package", "pitchfork-core", "--no-tests", "pass"
      # nextest does not run the examples in the documentation.
      cargo "test", "--locked", "--package", "pitchfork-core", "--doc"
    else
      cargo "test", "--locked", "--package", "pitchfork-core"
    end
    # Bugs on purpose: the simulator has to find them.
    cargo "test", "--locked", "--package", "pitchfork-core", "--features", "planted-bugs", "--test", "simulation", "planted"
  end
end

test_task(:test, "test/{unit,http,clients,integration,chaos}/**/*_test.rb", "Run all tests in test/")

desc "Run the specs (SPEC=path for one file)"
task spec: :compile do
  specs = ENV["SPEC"]&.split || Dir.glob("spec/**/*_spec.rb")
  next puts("no specs in spec/") if specs.empty?

  ruby "-w", "-S", "rspec", *specs
end

namespace :docs do
  desc "Write the tables of docs/memory.md and docs/gc.md anew, from bench/results"
  task :figures do
    require_relative "../bench/support/figures"
    Bench::Figures::PAGES.each { |page| File.write(page, Bench::Figures.update(File.read(page))) }
  end

  desc "Write the differences of docs/http.md anew"
  task :http do
    ruby "-Itest", "-rsupport/differences", "-e", <<~'RUBY'
      page = "docs/http.md"
      File.write(page, Differences.render(File.read(page)))
    RUBY
  end
end
