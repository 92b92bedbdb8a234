# frozen_string_literal: true

require "rbconfig"
require "pitchfork/errors"

module Pitchfork
  class BootEnvironment
    # A library that takes the place of the C library's malloc when it is loaded before that (LD_PRELOAD, ld.so(8)).
    #
    # Whether it does is found out by a Ruby that is started with it for a moment. A loader that can't use it says so and goes on,
    # and a Ruby without a loader, being static, does not even say so.
    Preload = Struct.new(:path, :version) do
      # @!attribute path
      #   @return [String, nil] nil: this Ruby has jemalloc without it
      # @!attribute version
      #   @return [String, nil] of jemalloc; nil: it is another allocator
      def complaint
        return if version.nil? || Gem::Version.new(version) >= Gem::Version.new(Preload::SAFE)

        "allocator: #{path || "this Ruby's jemalloc"} is jemalloc #{version}, and versions before #{Preload::SAFE} may hang in a fork; " \
          "use a newer one, or allocator :default"
      end
    end

    class Preload
      # The first version of jemalloc whose locks all work after a fork.
      SAFE = "5.3"
      LIBRARY = "libjemalloc.so.2"
      # Where distributions and hand-made installations put libraries; the loader's own cache comes first.
      DIRECTORIES = %w[/usr/local/lib /usr/local/lib64 /usr/lib/*-linux-* /usr/lib64 /usr/lib /lib/*-linux-* /lib64 /lib].freeze
      CACHES = %w[/sbin/ldconfig /usr/sbin/ldconfig].freeze
      # Says which libraries there are, and jemalloc says at the end what it is, jemalloc(3).
      PROBE = ["--disable=gems", "-e", 'puts File.foreach("/proc/self/maps").filter_map { |line| line[%r{ (/.*)}, 1] }.uniq'].freeze
      NOT_FOUND = "allocator: jemalloc is not installed: #{LIBRARY} is neither in the loader's cache (ldconfig -p) nor in " \
                  "#{DIRECTORIES.join(", ")}; install it (libjemalloc2 on Debian and Ubuntu, jemalloc on Fedora, Alpine and Arch), " \
                  "or give its path: allocator \"/…/#{LIBRARY}\"".freeze
      private_constant :DIRECTORIES, :CACHES, :PROBE, :NOT_FOUND

      class << self
        # @param wish [:jemalloc, String] or a path
        # @return [Preload]
        # @raise [ConfigurationError] when there is none that this Ruby can use
        def find(wish)
          wish == :jemalloc ? jemalloc : at(wish)
        end

        private

        def jemalloc
          _, version = probe(nil)
          return new(nil, version) if version # Ruby was built with it

          paths = candidates
          raise ConfigurationError, NOT_FOUND if paths.empty?

          # Machines with several architectures have several.
          paths.each do |path|
            maps, version = probe(path)
            return new(path, version) if maps.include?(path) && version
          end
          raise ConfigurationError, unusable(paths.join(", "))
        end

        def at(path)
          raise ConfigurationError, "allocator: #{path}: no such file" unless File.file?(path)

          maps, version = probe(path)
          raise ConfigurationError, unusable(path) unless maps.include?(File.realpath(path))

          new(path, version)
        end

        def candidates
          found = DIRECTORIES.flat_map { |directory| Dir.glob(File.join(directory, LIBRARY)) }
          (in_cache + found).select { |path| File.file?(path) }.map { |path| File.realpath(path) }.uniq
        end

        def in_cache
          command = CACHES.find { |path| File.executable?(path) } or return []

          IO.popen([command, "-p"], err: File::NULL, &:read).to_s.scan(%r{=> (/\S*#{Regexp.escape(LIBRARY)})$}).flatten
        end

        # @return [(Array<String>, String)] paths of what was loaded; version of jemalloc, if that is the allocator
        def probe(path)
          environment = { PRELOAD => path, "MALLOC_CONF" => "stats_print:true", "RUBYOPT" => nil }
          output = IO.popen([environment, RbConfig.ruby, *PROBE], err: %i[child out], &:read)
          [output.lines(chomp: true), output[/^Version: "(\d+(?:\.\d+)*)/, 1]]
        end

        def unusable(paths)
          "allocator: #{paths} can't be loaded before this Ruby (#{RbConfig.ruby}): made for another machine or C library, or Ruby is " \
            "linked statically or has file capabilities; install the one that goes with it, or use allocator :default"
        end
      end
    end
  end
end
