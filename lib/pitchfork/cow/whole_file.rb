# frozen_string_literal: true

require "pitchfork/errors"

module Pitchfork
  module Cow
    # A file that is there whole or not at all. Whether it can be written is known before there is anything to be written.
    class WholeFile
      # @param path [String]
      # @raise [ConfigurationError] when it can't be written
      def initialize(path)
        @path = File.symlink?(path) && File.exist?(path) ? File.realpath(path) : path
        special = File.exist?(@path) && !File.file?(@path)
        raise ConfigurationError, "#{path} is not a file that can be replaced; choose another name" if special

        @fresh = "#{@path}.#{Process.pid}"
        @file = File.open(@fresh, File::WRONLY | File::CREAT | File::EXCL)
      rescue SystemCallError => e
        raise ConfigurationError, "#{path} can't be written: #{e.message.sub(/ @ .*/, "")}; choose another directory"
      end

      # @param text [String]
      # @raise [ConfigurationError] when that fails nevertheless
      def write(text)
        @file.write(text)
        @file.close
        File.rename(@fresh, @path)
      rescue SystemCallError => e
        raise ConfigurationError, "#{@path} can't be written: #{e.message.sub(/ @ .*/, "")}; what it was to hold is lost"
      end

      # Whatever has not been written never will be.
      def close
        @file.close
        File.unlink(@fresh)
      rescue Errno::ENOENT
        nil # it has its name
      end
    end
  end
end
