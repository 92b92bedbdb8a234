# frozen_string_literal: true

require "rack"

# What a client may send: each case is a request in bytes, the rule it is about, and what becomes of it.
#
# The cases are data, in test/http/cases, because they are used twice: for what this server does with them, and for how
# that differs from what others do.
module HttpCases
  # name: unique; rfc: where the rule lives; bytes: what is sent; status: of the answer, nil for none; seen: keys of env and
  # their values, nil for keys that are not there, "body" and "trailers"; reason: what the log says about a refusal; ends: the
  # client sends no more after these bytes, and says so; rest: whether there are bytes behind the request's end.
  Case = Struct.new(:name, :rfc, :bytes, :status, :seen, :reason, :ends, :rest, keyword_init: true) do
    def refused?
      status != 200
    end

    def to_s
      name
    end
  end

  # The words that the files of cases are written in.
  class Topic
    def initialize(name, rfc, cases)
      @name = name
      @rfc = rfc
      @cases = cases
    end

    # The app gets it, sees what `seen` says, and answers.
    #
    # @param rest [String] sent behind the end of the request
    def accepts(name, bytes, rest: "", rfc: @rfc, **seen)
      add(name, rfc: rfc, bytes: bytes.b + rest.b, status: 200, seen: seen, rest: !rest.empty?)
    end

    # The app gets nothing, or no end of the body.
    #
    # @param reason [Regexp, nil] nil: there is no line in the log, since the app has seen the request
    def refuses(status, name, bytes, reason = nil, ends: false, rfc: @rfc)
      add(name, rfc: rfc, bytes: bytes.b, status: status, reason: reason, ends: ends)
    end

    # Nobody is left to be answered.
    def drops(name, bytes, rfc: @rfc)
      add(name, rfc: rfc, bytes: bytes.b, status: nil, ends: true)
    end

    # @return [String] lines and the empty one
    def head(*lines)
      lines.map { |line| "#{line.b}\r\n" }.join << "\r\n"
    end

    # A GET request with these field lines and a Host.
    def get(*lines, target: "/")
      head("GET #{target} HTTP/1.1".b, "Host: test", *lines)
    end

    # A POST request with a Host, these field lines and a body.
    def post(*lines, body: "")
      head("POST / HTTP/1.1", "Host: test", *lines) + body.b
    end

    # A POST request with a chunked body.
    def chunked(body, *lines)
      post("Transfer-Encoding: chunked", *lines, body: body)
    end

    private

    def add(name, **details)
      name = "#{@name}: #{name}"
      raise ArgumentError, "two cases #{name}" if @cases.any? { |other| other.name == name }

      @cases << Case.new(name: name, **details)
    end
  end

  @cases = []

  class << self
    # @param rfc [String] document and section of the rules, if a case does not say something else
    def topic(name, rfc, &block)
      Topic.new(name, rfc, @cases).instance_eval(&block)
    end

    # @return [Array<Case>]
    def all
      Dir.glob(File.expand_path("../http/cases/*.rb", __dir__)).each { |file| require file }
      @cases
    end

    def find(name)
      all.find { |one| one.name == name } || raise(ArgumentError, "no case #{name}")
    end
  end
end
