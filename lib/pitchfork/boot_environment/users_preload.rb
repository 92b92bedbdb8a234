# frozen_string_literal: true

require "rbconfig"
require "pitchfork/boot_environment/preload"

module Pitchfork
  class BootEnvironment
    # What the user has in LD_PRELOAD. It stays as it is, so a wish for an allocator is only heard where that is in it already.
    class UsersPreload
      # @param path [String] paths or names, between blanks or colons (ld.so(8))
      # @param wish [:jemalloc, String] or a path
      def initialize(path, wish)
        @path = path
        @wish = wish
        @libraries = path.split(/[\s:]+/).reject(&:empty?)
      end

      # @return [String] what stays in LD_PRELOAD
      attr_reader :path

      # @return [String, nil] a warning; nil: the wish is fulfilled
      def complaint
        return if @wish == :jemalloc ? jemalloc? : there?

        library = @wish == :jemalloc ? Preload::LIBRARY : @wish
        "allocator #{@wish.inspect} has no effect: #{PRELOAD}=#{path} is set by the user; add #{library} to it, or unset it"
      end

      private

      # Also where Ruby was built with it.
      def jemalloc?
        RbConfig::CONFIG.values_at("MAINLIBS", "LIBS").join.include?("jemalloc") ||
          @libraries.any? { |library| File.basename(real(library)).include?("jemalloc") }
      end

      # A name without a directory is looked for by the loader.
      def there?
        @libraries.any? { |library| library.include?("/") ? real(library) == real(@wish) : library == File.basename(@wish) }
      end

      def real(path)
        File.realpath(path)
      rescue SystemCallError
        path
      end
    end
  end
end
