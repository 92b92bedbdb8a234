# frozen_string_literal: true

require_relative "exchange"

module Chaos
  # Requests without a pause, from a few threads, to all listeners in turn.
  class Load
    HEAD = "Host: localhost\r\nX-Chaos: 1\r\n"

    # What is asked for, in turn. The answer tells the number of the request, so that nobody can get another's.
    KINDS = {
      quick: ->(number) { Request.new("GET /quick?#{number} HTTP/1.1\r\n#{HEAD}\r\n", [200], " #{number} ") },
      slow: ->(number) { Request.new("GET /slow?#{number} HTTP/1.1\r\n#{HEAD}\r\n", [200], " #{number} ") },
      echo: ->(number) { upload(number, "#{number}." * 400, [200]) },
      # Kept in a file, which may not be possible: then the app can't have it, and says so.
      upload: ->(number) { upload(number, "#{number}." * 40_000, [200, 500]) },
      fail: ->(number) { Request.new("GET /fail?#{number} HTTP/1.1\r\n#{HEAD}\r\n", [500], "") }
    }.freeze
    USUAL = %i[quick slow echo].freeze

    def self.upload(number, body, statuses)
      Request.new("POST /echo?#{number} HTTP/1.1\r\n#{HEAD}Content-Length: #{body.bytesize}\r\n\r\n#{body}", statuses, " #{number} #{body}")
    end
    private_class_method :upload

    # @param targets [Array<String, Integer>] see {Exchange}
    # @param kinds [Array<Symbol>] of {KINDS}
    def initialize(ledger, targets, kinds: USUAL, threads: 4)
      @ledger = ledger
      @targets = targets
      @kinds = kinds
      @threads = threads
      @numbers = Queue.new
    end

    def start
      @running = true
      @clients = Array.new(@threads) { |client| Thread.new { drive(client) } }
      self
    end

    # Waits for the requests that are under way.
    def stop
      @running = false
      @clients.each(&:join)
    end

    private

    # Numbers of different clients never meet.
    def drive(client)
      number = client
      while @running
        request = KINDS.fetch(@kinds[number / @threads % @kinds.size]).call(number)
        exchange = Exchange.new(@targets[(number + client) % @targets.size], request)
        outcome = exchange.call
        @ledger.note(exchange, outcome)
        number += @threads
        sleep(0.002) unless outcome == :answered # a port that refuses answers at once, and so would a storm
      end
    end
  end
end
