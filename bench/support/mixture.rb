# frozen_string_literal: true

require_relative "workload"

module Bench
  # What comes to a server in a long life, for apps/soak.ru: mostly what is asked for every day, and everything that goes wrong.
  class Mixture
    FILE = Random.new(1).bytes(256 * 1024)
    SMALL = "0123456789abcdef" * 128
    # More than is kept in memory.
    LARGE = Random.new(2).bytes(200 * 1024)
    HOST = "Host: localhost\r\n"
    private_constant :FILE, :SMALL, :LARGE, :HOST

    # @param method [String]
    # @param path [String]
    # @param fields [String] lines
    # @return [String] a request
    def self.request(method, path, fields = "", body = "")
      "#{method} #{path} HTTP/1.1\r\n#{HOST}#{fields}\r\n#{body}"
    end

    def self.post(fields, body)
      request("POST", "/echo", fields, body)
    end

    def self.sized(body, fields = "")
      post("Content-Length: #{body.bytesize}\r\n#{fields}", body)
    end

    def self.chunked(body)
      chunks = body.scan(/.{1,700}/m).map { |chunk| "#{chunk.bytesize.to_s(16)}\r\n#{chunk}\r\n" }
      post("Transfer-Encoding: chunked\r\n", "#{chunks.join}0\r\n\r\n")
    end
    private_class_method :request, :post, :sized, :chunked

    # How often in a round, how it ends (see bench/load.rs), what is sent and, where it is known, the body of the answer.
    CASES = {
      "hello" => [8, "200", request("GET", "/"), "Hello World\n"],
      "browser" => [4, "200", Workload["headers"].head, "Hello World\n"],
      "http10" => [1, "200", "GET / HTTP/1.0\r\n\r\n", "Hello World\n"],
      "head" => [2, "200", request("HEAD", "/")],
      "post" => [4, "200", sized(SMALL), SMALL],
      "post-large" => [1, "200", sized(LARGE), LARGE],
      "post-chunked" => [2, "200", chunked(SMALL), SMALL],
      "post-expect" => [1, "200", sized(SMALL, "Expect: 100-continue\r\n"), SMALL],
      "parts" => [1, "200", request("GET", "/each"), "onetwothree"],
      "stream" => [1, "200", request("GET", "/stream"), "one"],
      "file" => [1, "200", request("GET", "/file"), FILE],
      "file-range" => [1, "206", request("GET", "/file", "Range: bytes=10-99\r\n"), FILE[10..99]],
      "file-head" => [1, "200", request("HEAD", "/file")],
      "not-found" => [1, "404", request("GET", "/nowhere")],
      "bad-head" => [1, "400", "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n"],
      "bad-chunk" => [1, "400", post("Transfer-Encoding: chunked\r\n", "x\r\n")],
      "many-fields" => [1, "431", request("GET", "/", "X: y\r\n" * 200)],
      "fail" => [1, "500", request("GET", "/fail")],
      "break" => [1, "broken", request("GET", "/break")],
      "reset-in-head" => [1, "reset", "GET / HTTP/1.1\r\nHost: loc"],
      "reset-in-body" => [1, "reset", post("Content-Length: 100\r\n", "half of it")],
      "reset-in-chunk" => [1, "reset", post("Transfer-Encoding: chunked\r\n", "ff\r\nhalf of it")],
      "reset-after-head" => [1, "reset", request("GET", "/")],
      "reset-in-file" => [1, "reset-late", request("GET", "/file")]
    }.freeze

    # Writes the requests, the answers and the file that the app serves.
    #
    # @return [String] path of the list for `load --cases`
    def self.prepare(directory)
      File.binwrite("#{directory}/file", FILE)
      lines = CASES.flat_map do |name, (weight, ending, request, answer)|
        File.binwrite("#{directory}/#{name}.request", request)
        File.binwrite("#{directory}/#{name}.answer", answer) if answer
        ["#{ending} #{name}.request#{" #{name}.answer" if answer}\n"] * weight
      end
      # In an order of no meaning, and always the same.
      "#{directory}/cases".tap { |path| File.write(path, lines.shuffle(random: Random.new(1)).join) }
    end
  end
end
