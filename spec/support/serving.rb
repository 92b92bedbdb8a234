# frozen_string_literal: true

# A real server for an example, in a directory of its own; see ServerProcess for what it can be asked.
module Serving
  def self.included(group)
    group.after { |example| stop_servers(example) }
  end

  # @return [ServerProcess] whose workers are ready
  def start(**options)
    directory = File.realpath(Dir.mktmpdir("pitchfork"))
    server = ServerProcess.new(directory, **options)
    (@servers ||= []) << server
    server.start
  end

  private

  def stop_servers(example)
    (@servers || []).each do |server|
      report(server.log) if example.exception
      server.kill
      FileUtils.remove_entry(server.directory)
    end
  end
end
