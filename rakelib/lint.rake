# frozen_string_literal: true

namespace :lint do
  desc "Check the Rust code: rustfmt and clippy"
  task :rust do
    cargo "fmt", "--all", "--check"
    cargo "clippy", "--locked", "--workspace", "--all-targets", "--", "--deny", "warnings"
  end

  desc "Check the Ruby code: rubocop"
  task :ruby do
    outside_bundle do
      sh "rubocop" do |passed, status|
        next if passed

        # The shell's status for a command that does not exist.
        abort "rake lint needs rubocop: apt-get install rubocop, or gem install rubocop" if status.exitstatus == 127
        abort "rubocop found offenses (rubocop -a corrects most of them)"
      end
    end
  end
end

desc "Check format and style of all code"
task lint: %w[lint:rust lint:ruby]
