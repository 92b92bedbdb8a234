# frozen_string_literal: true

# What applications answer: JSON to JSON, a page, a file. The page and the file are in the directory BENCH_FILES.

require "json"
require "rack"

DIRECTORY = ENV.fetch("BENCH_FILES")

page = File.read("#{DIRECTORY}/page")
files = Rack::Files.new(DIRECTORY)

# Adds up what was ordered.
def invoice(order)
  lines = order.fetch("items").map { |item| { "sku" => item["sku"], "cents" => item["count"] * item["cents"] } }
  { "order" => order["order"], "lines" => lines, "cents" => lines.sum { |line| line["cents"] } }
end

run(lambda do |env|
  case env["PATH_INFO"]
  when "/orders"
    answer = JSON.generate(invoice(JSON.parse(env["rack.input"].read)))
    [200, { "content-type" => "application/json", "content-length" => answer.bytesize.to_s }, [answer]]
  when "/page"
    [200, { "content-type" => "text/html; charset=utf-8", "content-length" => page.bytesize.to_s }, [page]]
  else
    files.call(env)
  end
end)
