# frozen_string_literal: true

require "ipaddr"
require "socket"
require "pitchfork/errors"

module Pitchfork
  # Where to listen: a TCP host and port, or the path of a UNIX socket.
  #
  #   Address.parse(8080).to_s              # => "0.0.0.0:8080"
  #   Address.parse("[::1]:8080").host      # => "::1"
  #   Address.parse("unix:tmp/app").path    # => "/current/directory/tmp/app"
  #
  # Parsing touches neither the network nor the file system: a host name is
  # resolved when the listener is bound, or compared with a socket that there is.
  class Address
    DEFAULT_HOST = "0.0.0.0"
    DEFAULT_PORT = 8080
    PORTS = (0..65_535)

    # sockaddr_un.sun_path holds 108 bytes with its final NUL (unix(7)).
    MAX_PATH_BYTES = 107

    FORMS = '8080, "host:8080", "[::1]:8080", "/path.sock", "~/path.sock" or "unix:path.sock"'

    # @return [Symbol] :tcp or :unix
    attr_reader :kind
    # @return [String, nil] name or number, an IPv6 address without its brackets; nil for :unix
    attr_reader :host
    # @return [Integer, nil] 0 asks the kernel for a free port; nil for :unix
    attr_reader :port
    # @return [String, nil] absolute path of the socket file; nil for :tcp
    attr_reader :path

    # @param value [Integer, String, Address]
    # @return [Address]
    # @raise [ConfigurationError] that says what is wrong with the value
    def self.parse(value)
      case value
      when Address then value
      when Integer then tcp(DEFAULT_HOST, value, value)
      when String then parse_string(value.strip)
      else raise ConfigurationError, "expected an address (#{FORMS}), got #{value.inspect}"
      end
    end

    # @param host [String] name or number; an IPv6 address with or without brackets
    # @param port [Integer, String]
    def self.tcp(host, port, source = nil)
      host = host.delete_prefix("[").delete_suffix("]")
      source ||= host.include?(":") ? "[#{host}]:#{port}" : "#{host}:#{port}"
      number = Integer(port.to_s, 10, exception: false)
      unless number && PORTS.cover?(number)
        raise ConfigurationError, "#{source}: expected a port from 0 to 65535, got #{port.inspect}"
      end

      new(:tcp, host: host, port: number)
    end

    # @param path [String] made absolute; "~" is the home directory
    def self.unix(path)
      raise ConfigurationError, "the path of a UNIX socket is empty" if path.empty?

      path = File.expand_path(path.sub(%r{\A/+}, "/"))
      if path.bytesize > MAX_PATH_BYTES
        raise ConfigurationError, "#{path}: the path of a UNIX socket may have #{MAX_PATH_BYTES} bytes, " \
                                  "this one has #{path.bytesize}"
      end

      new(:unix, path: path)
    end

    # @param addrinfo [Addrinfo] of a socket that is bound
    # @return [Address] that of a UNIX socket without a file, in the abstract namespace, has "@" and its name as its path
    def self.of(addrinfo)
      return tcp(addrinfo.ip_address, addrinfo.ip_port) if addrinfo.ip?

      path = addrinfo.unix_path
      path.start_with?("\0") ? new(:unix, path: path.sub("\0", "@")) : unix(path)
    end

    def self.parse_string(string)
      case string
      when "" then raise ConfigurationError, "the address is empty; expected #{FORMS}"
      when /\Aunix:/ then unix(string.delete_prefix("unix:").delete_prefix("//"))
      when %r{\A[/~]} then unix(string)
      when /\A(?:\*?:)?(\d+)\z/ then tcp(DEFAULT_HOST, Regexp.last_match(1), string)
      when /\A\[(.*)\]:([^:]*)\z/ then ipv6(Regexp.last_match(1), Regexp.last_match(2), string)
      when %r{\A([^:/\[\]\s]+):([^:]*)\z} then tcp(Regexp.last_match(1), Regexp.last_match(2), string)
      else raise ConfigurationError, "#{string}: #{complaint(string)}"
      end
    end

    def self.ipv6(host, port, source)
      IPAddr.new(host, Socket::AF_INET6)
      tcp(host, port, source)
    rescue IPAddr::Error
      raise ConfigurationError, "#{source}: expected an IPv6 address in the brackets, got #{host.inspect}"
    end

    def self.complaint(string)
      if string.include?("://") then "an address is not a URL; expected #{FORMS}"
      elsif string.match?(%r{/}) then "a path starts with \"/\", \"~/\" or \"unix:\""
      elsif string.match?(/\A\[[^\]]*\]\z/) then "the port is missing, as in \"#{string}:8080\""
      elsif string.count(":") > 1 then "an IPv6 address is written in brackets, as in \"[::1]:8080\""
      elsif string.match?(/\A-\d+\z/) then "expected a port from 0 to 65535"
      elsif string.match?(/\A[^:\s\[\]]+\z/) then "the port is missing, as in \"#{string}:8080\""
      else
        "expected #{FORMS}"
      end
    end
    private_class_method :new, :parse_string, :ipv6, :complaint

    def initialize(kind, host: nil, port: nil, path: nil)
      @kind = kind
      @host = host&.dup&.freeze
      @port = port
      @path = path&.dup&.freeze
      freeze
    end

    def unix?
      kind == :unix
    end

    # @return [Address] the same host with another port: the one the kernel chose for port 0
    def with_port(port)
      self.class.tcp(host, port)
    end

    # A name with addresses of both kinds is served on IPv4, which every client of "localhost" tries.
    # That one needs no look-up (RFC 6761, 6.3): a small container may have no /etc/hosts.
    #
    # @return [Addrinfo] of a TCP address
    # @raise [SocketError]
    def resolve
      name = host == "localhost" ? "127.0.0.1" : host
      found = Addrinfo.getaddrinfo(name, port, nil, :STREAM, nil, Socket::AI_PASSIVE)
      found.find(&:ipv4?) || found.first
    end

    # @return [String] what {parse} accepts again
    def to_s
      return path if unix?

      host.include?(":") ? "[#{host}]:#{port}" : "#{host}:#{port}"
    end

    # @return [String] as it is logged
    def url
      unix? ? "unix:#{path}" : "http://#{self}"
    end

    def inspect
      "#<#{self.class} #{self}>"
    end

    def ==(other)
      other.is_a?(Address) && other.to_s == to_s
    end
    alias eql? ==

    def hash
      to_s.hash
    end
  end
end
