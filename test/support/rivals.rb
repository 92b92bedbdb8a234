# frozen_string_literal: true

require "etc"
require "fileutils"
require "socket"
require_relative "wire"

# Other servers, which this one is compared with.
module Rivals
  # Another server, for comparison: a process of its own, in a directory of its own, as whoever runs the test.
  class Server
    # nginx is in a directory that a user's PATH need not have.
    PATH = ENV.fetch("PATH").split(":") + %w[/usr/sbin]

    attr_reader :port

    # @param directory [String] made, for this server alone
    def initialize(directory)
      @directory = directory
      FileUtils.mkdir_p(directory)
      @listener = TCPServer.new("127.0.0.1", 0)
      @port = @listener.addr[1]
    end

    # @return [String]
    def self.title
      name[/\w+\z/].downcase
    end

    # @return [String, nil] path of its program; nil: it is not installed
    def self.program
      PATH.map { |directory| File.join(directory, title) }.find { |path| File.executable?(path) }
    end

    # @return [String] two numbers: what packages fix does not change what is understood
    def self.version
      @version ||= IO.popen([program, "-v", err: %i[child out]], &:read)[/\d+\.\d+/]
    end

    # Starts it. It inherits a socket that listens already, so that nobody has to wait for it, or can have its port.
    def start
      File.open(File.join(@directory, "log"), "w") do |log|
        @pid = Process.spawn(environment, self.class.program, *arguments,
                             in: File::NULL, out: log, err: log, chdir: @directory, pgroup: true, @listener.fileno => @listener.fileno)
      end
      self
    end

    def stop
      @listener.close
      return unless @pid

      Process.kill(:KILL, -@pid) # with its children
      Process.wait(@pid)
    end

    def log
      File.read(File.join(@directory, "log"))
    end

    private

    def write(name, text)
      File.write(File.join(@directory, name), text)
    end
  end

  # With the same app.
  class Puma < Server
    def initialize(directory, app)
      super(directory)
      write("config.ru", app)
    end

    private

    def environment
      { "RUBYOPT" => nil, "RACK_ENV" => "none", "PUMA_INHERIT_0" => "#{@listener.fileno}:tcp://127.0.0.1:#{port}" }
    end

    def arguments
      %W[--bind tcp://127.0.0.1:#{port} --threads 1:1 config.ru]
    end
  end

  # As a proxy in front of a server that takes everything, which is a part of itself: it reads each request to its end, and
  # judges it alone.
  class Nginx < Server
    CONFIGURATION = <<~'CONF'
      daemon off;
      worker_processes 1;
      user USER;
      pid nginx.pid;
      error_log stderr;
      events {}
      http {
          access_log off;
          client_body_temp_path body;
          proxy_temp_path proxy;
          fastcgi_temp_path fastcgi;
          uwsgi_temp_path uwsgi;
          scgi_temp_path scgi;
          proxy_ignore_client_abort on;

          server {
              listen 127.0.0.1:PORT;
              location / { proxy_pass http://unix:DIRECTORY/upstream; }
          }
          server {
              listen unix:DIRECTORY/upstream;
              large_client_header_buffers 8 256k;
              return 200 "fine";
          }
      }
    CONF

    def initialize(directory)
      super
      write("nginx.conf", CONFIGURATION.gsub("PORT", port.to_s).gsub("DIRECTORY", directory).gsub("USER", Etc.getpwuid.name))
    end

    private

    def environment
      { "NGINX" => "#{@listener.fileno};" }
    end

    def arguments
      ["-p", @directory, "-c", "nginx.conf", "-e", "stderr"]
    end
  end
end
