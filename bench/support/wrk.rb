# frozen_string_literal: true

require "open3"
require_relative "load"

module Bench
  # Runs wrk, one connection a request over TCP. Its one thread and epoll cost less than the threads of {Load}, so that more of
  # the machine is left to the server; UNIX sockets it cannot do, and of a response it checks status and length only.
  module Wrk
    MILLISECONDS = { "us" => 0.001, "ms" => 1.0, "s" => 1000.0 }.freeze
    private_constant :MILLISECONDS

    module_function

    def installed?
      ENV["PATH"].split(":").any? { |directory| File.executable?("#{directory}/wrk") }
    end

    # @param target [String] HOST:PORT
    # @param workload [Workload]
    # @return [Load::Result]
    # @raise [Load::Failed] on socket errors and on every status but 2xx and 3xx
    def measure(target, workload, seconds:, concurrency:)
      report, = Open3.capture2e("wrk", "-t1", "-c#{concurrency}", "-d#{seconds}s", "--latency", "-s", workload.lua, "http://#{target}/")
      failure = report[/^ *(Socket errors|Non-2xx).*$/]
      raise Load::Failed, "wrk: #{failure&.strip || report}" if failure || !report.include?("Requests/sec")

      Load::Result.new(requests: report[/(\d+) requests in/, 1].to_i, rate: report[%r{Requests/sec: *([\d.]+)}, 1].to_f,
                       p50: latency(report, "50%"), p99: latency(report, "99%"))
    end

    def latency(report, share)
      _, value, unit = *report.match(/^ *#{share} *([\d.]+)(us|ms|s)$/)
      value.to_f * MILLISECONDS.fetch(unit)
    end
  end
end
