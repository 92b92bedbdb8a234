# frozen_string_literal: true

require "json"

module Bench
  # A kind of request: what is sent, which app answers it, and what the answer has to be, byte for byte.
  class Workload
    HOST = { "Host" => "localhost", "Connection" => "close" }.freeze

    # What a browser sends that has been here before; with Host and Connection, 20 fields.
    BROWSER = HOST.merge(
      "User-Agent" => "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
      "Accept" => "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
      "Accept-Encoding" => "gzip, deflate, br, zstd",
      "Accept-Language" => "en-GB,en;q=0.9,de;q=0.8",
      "Cache-Control" => "max-age=0",
      "Cookie" => "_session=#{"c2Vzc2lvbg" * 32}; theme=dark; consent=2026-01-01T00:00:00Z; _ga=GA1.1.1234567890.1700000000",
      "DNT" => "1",
      "If-None-Match" => 'W/"0123456789abcdef0123456789abcdef"',
      "Priority" => "u=0, i",
      "Referer" => "https://shop.example.org/categories/garden?page=2&sort=price",
      "Sec-CH-UA" => '"Chromium";v="140", "Not=A?Brand";v="24"',
      "Sec-CH-UA-Mobile" => "?0",
      "Sec-CH-UA-Platform" => '"Linux"',
      "Sec-Fetch-Dest" => "document",
      "Sec-Fetch-Mode" => "navigate",
      "Sec-Fetch-Site" => "same-origin",
      "Sec-Fetch-User" => "?1",
      "Upgrade-Insecure-Requests" => "1"
    ).freeze

    # What a program sends to an API.
    API = HOST.merge("User-Agent" => "shop/2.1", "Accept" => "application/json", "Authorization" => "Bearer #{"0a1b2c3d" * 8}").freeze

    attr_reader :name, :title, :app, :method, :path, :headers, :body, :answer

    # @param app [String] name in bench/apps
    # @param answer [String] the body of the response
    # @param floor [Boolean] whether the floor can be compared with: it answers the same and reads once
    def initialize(name, title, app: "realistic", method: "GET", path: "/", headers: HOST, body: "", answer:, floor: false)
      @name = name
      @title = title
      @app = File.expand_path("../apps/#{app}.ru", __dir__)
      @method = method
      @path = path
      @headers = body.empty? ? headers : headers.merge("Content-Type" => "application/json", "Content-Length" => body.bytesize.to_s)
      @body = body
      @answer = answer
      @floor = floor
    end

    def floor?
      @floor
    end

    # @return [Workload] the same head and body to another app
    def asked_of(app, path, answer)
      self.class.new(name, title, app: app, method: method, path: path, headers: headers, body: body, answer: answer)
    end

    # @return [String] up to the empty line
    def head
      "#{method} #{path} HTTP/1.1\r\n#{headers.map { |name, value| "#{name}: #{value}\r\n" }.join}\r\n"
    end

    # Writes what clients and app read. The app finds the directory in BENCH_FILES.
    #
    # @param directory [String] one may serve several workloads
    # @return [self]
    def prepare(directory)
      @files = "#{directory}/#{name}"
      File.binwrite("#{directory}#{path}", answer) if method == "GET" && path != "/"
      File.binwrite("#{@files}.request", head + body)
      File.binwrite("#{@files}.answer", answer)
      File.write(cases, "200 #{name}.request #{name}.answer\n")
      File.write(lua, <<~LUA)
        wrk.method = #{method.dump}
        wrk.path = #{path.dump}
        wrk.body = #{body.empty? ? "nil" : body.dump}
        wrk.headers = { #{headers.map { |name, value| "[#{name.dump}] = #{value.dump}" }.join(", ")} }
      LUA
      self
    end

    # @return [String] path of the list for `load --cases`
    def cases
      "#{@files}.cases"
    end

    # @return [String] path of the script for wrk
    def lua
      "#{@files}.lua"
    end

    def self.order(size)
      items = Array.new(30) { |n| { "sku" => "A-#{7919 * n}", "name" => "Item #{n}", "count" => (n % 5) + 1, "cents" => 199 + n } }
      order = { "order" => 4711, "items" => items, "note" => "" }
      order.merge("note" => "!" * (size - JSON.generate(order).bytesize))
    end
    private_class_method :order

    def self.invoice(order)
      lines = order["items"].map { |item| { "sku" => item["sku"], "cents" => item["count"] * item["cents"] } }
      JSON.generate("order" => order["order"], "lines" => lines, "cents" => lines.sum { |line| line["cents"] })
    end
    private_class_method :invoice

    def self.html(size)
      rows = (1..).lazy.map { |n| "<tr><td>#{n}</td><td>Grün &amp; blau</td><td>#{n * 37 % 1000} €</td></tr>\n" }
      page = +"<!DOCTYPE html>\n<title>A page</title>\n<table>\n"
      page << rows.next while page.bytesize < size - 100
      "#{page}</table>\n".b.ljust(size)
    end
    private_class_method :html

    # @param name [String]
    # @return [Workload]
    def self.[](name)
      ALL.find { |workload| workload.name == name }
    end

    hello = "Hello World\n"
    order = order(2 * 1024)
    ALL = [
      new("hello", "Hello World", app: "hello", answer: hello, floor: true),
      new("headers", "Hello World, asked with 20 header fields and cookies", app: "hello", headers: BROWSER, answer: hello, floor: true),
      new("json", "JSON POST of 2 KiB, parsed and answered in JSON", method: "POST", path: "/orders", headers: API,
        body: JSON.generate(order), answer: invoice(order)),
      new("html", "HTML page of 20 KiB", path: "/page", headers: BROWSER, answer: html(20 * 1024)),
      new("file", "file of 1 MiB", path: "/file", headers: BROWSER, answer: Random.new(1).bytes(1024 * 1024))
    ].freeze
  end
end
