# frozen_string_literal: true

require "etc"

module Bench
  # What a result depends on besides the code.
  module Machine
    module_function

    # Whether this Ruby has a YJIT that one would run a server with. Ruby 3.1's was the first, experimental one: it fills 256 MiB
    # before the first method is compiled, which says nothing about today's.
    def yjit?
      defined?(RubyVM::YJIT) && Gem::Version.new(RUBY_VERSION) >= Gem::Version.new("3.2") ? true : false
    end

    # @return [Array<String>] lines of Markdown
    def describe
      processor = File.read("/proc/cpuinfo")[/^model name\s*: (.*)$/, 1] || RUBY_PLATFORM
      [
        "* Ruby #{RUBY_VERSION}, #{Etc.nprocessors} × #{processor}, Linux #{Etc.uname[:release]}",
        "* load average before the run: #{File.read("/proc/loadavg").split.first(3).join(" ")}; the load comes from the same machine"
      ]
    end

    # @return [String] names and versions of those of the gems that are installed
    def gems(*names)
      names.filter_map do |name|
        newest = Gem::Specification.find_all_by_name(name).map(&:version).max
        "#{name} #{newest}" if newest
      end.join(", ")
    end
  end
end
