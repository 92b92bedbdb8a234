# frozen_string_literal: true

require "pitchfork/cow/title"
require "pitchfork/errors"
require "pitchfork/process_table"

module Pitchfork
  module Cow
    # Which server is meant.
    class Master
      # @param uid [Integer] whose servers are looked for when none is named; root's: everybody's
      def initialize(table: ProcessTable.new, uid: Process.euid)
        @table = table
        @uid = uid
      end

      # @param pid [Integer, nil]
      # @param pid_file [String, nil] path
      # @return [Integer] pid of the named master, or of the only one
      # @raise [ConfigurationError]
      def find(pid: nil, pid_file: nil)
        pid ||= from_file(pid_file) if pid_file
        pid ? named(pid) : the_only_one
      end

      private

      def from_file(path)
        content = File.read(path, 32).to_s.strip
        raise ConfigurationError, "#{path}: expected a pid, got #{content.inspect}" unless content.match?(/\A[1-9]\d*\z/)

        content.to_i
      rescue SystemCallError => e
        raise ConfigurationError, "#{path}: #{e.message.sub(/ @ .*/, "")}; it is the file that the setting `pid` names"
      end

      def named(pid)
        title = @table.title(pid)
        raise ConfigurationError, "there is no process #{pid}#{running}" if title.nil?
        return pid if role(pid) == :master
        raise ConfigurationError, "process #{pid} has ended, and waits for its parent to notice#{running}" if @table.zombie?(pid)

        above = @table.parent(pid)
        raise ConfigurationError, "process #{pid} is #{title}; its master is #{above}" if role(pid) != :other && role(above) == :master

        raise ConfigurationError, "process #{pid} is no pitchfork master, but #{title[0, 60].inspect}#{running}"
      end

      def the_only_one
        return masters.first if masters.one?
        raise ConfigurationError, "several servers are running (#{known}): give the pid of one" if masters.any?

        raise ConfigurationError, "no pitchfork is running" if @uid.zero?

        raise ConfigurationError, "no pitchfork is running as this user; root sees those of others"
      end

      # A fork of a master has its title, too, until it is something else.
      def masters
        @masters ||= @table.pids.select do |pid|
          role(pid) == :master && role(@table.parent(pid)) != :master && (@uid.zero? || @table.owner(pid) == @uid)
        end
      end

      def running
        " (running: #{known})" if masters.any?
      end

      def known
        masters.map { |pid| [pid, @table.working_directory(pid)].compact.join(" in ") }.join(", ")
      end

      def role(pid)
        Title.parse(@table.title(pid).to_s).role
      end
    end
  end
end
