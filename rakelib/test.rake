# frozen_string_literal: true

require "rake/testtask"

def test_task(name, pattern, description)
  Rake::TestTask.new(name => :compile) do |task|
    task.description = "#{description} (TEST=path for one file)"
    task.libs = %w[lib test]
    task.pattern = pattern
    task.warning = true
  end
end

namespace :test do
  %w[unit http clients integration chaos].each do |part|
    test_task(part, "test/#{part}/**/*_test.rb", "Run the tests in test/#{part}")
  end

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
  desc "Write the differences of docs/http.md anew"
  task :http do
    ruby "-Itest", "-rsupport/differences", "-e", <<~'RUBY'
      page = "docs/http.md"
      File.write(page, Differences.render(File.read(page)))
    RUBY
  end
end
