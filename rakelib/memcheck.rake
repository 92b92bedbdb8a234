# frozen_string_literal: true

require "shellwords"
require "tmpdir"

# Ruby reads memory it has not written: its garbage collector looks at whole stacks. So only accesses to memory that is not the
# program's are looked for, which is what unsafe code gets wrong.
MEMCHECK = %w[valgrind --trace-children=yes --trace-children-skip=/bin/*,/usr/bin/env --undef-value-errors=no --show-mismatched-frees=yes
              --num-callers=30].freeze

desc "Run servers under valgrind (TEST=glob, default test/http/**): no access to memory that is not theirs"
task memcheck: :compile do
  system("valgrind", "--version", out: File::NULL) || abort("rake memcheck needs valgrind: apt-get install valgrind")
  Dir.mktmpdir("memcheck") do |logs|
    env = { "TEST_UNDER" => [*MEMCHECK, "--log-file=#{logs}/%p"].shelljoin, "TEST_PATIENCE" => "300" }
    # A test whose limit is too short for a server that is thirty times slower may fail; the errors below are what counts.
    Dir.glob(ENV.fetch("TEST", "test/http/**/*_test.rb")).sort.each do |test|
      puts "== #{test}"
      system(env, "ruby", "-Ilib", "-Itest", test)
    end
    reports = Dir.glob("#{logs}/*")
    bad = reports.select { |log| File.read(log).match?(/(?:Invalid (?:read|write|free)|Mismatched free|Source and destination overlap)/) }
    bad.each { |log| puts File.read(log) }
    abort "memcheck: errors in #{bad.size} of #{reports.size} processes" unless bad.empty?
    puts "memcheck: no errors in #{reports.size} processes"
  end
end
