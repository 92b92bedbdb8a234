# frozen_string_literal: true

require "json"
require "net/http"

# A visitor with a cookie jar, on a connection of its own for each request.
class Browser
  # @param server [ServerProcess]
  def initialize(server)
    @port = server.port
    @cookies = {}
  end

  # @return [Net::HTTPResponse]
  def get(path)
    send_request(Net::HTTP::Get.new(path))
  end

  # @param form [Hash]
  def post(path, form, fields = {})
    send_request(Net::HTTP::Post.new(path, fields).tap { |request| request.set_form_data(form) })
  end

  # @return what the JSON in the response to a GET request says, with symbols for names
  def json(path)
    response = get(path)
    raise "#{path}: #{response.code} #{response.body[0, 500]}" unless response.code == "200"

    JSON.parse(response.body, symbolize_names: true)
  end

  private

  def send_request(request)
    request["Cookie"] = @cookies.map { |name, value| "#{name}=#{value}" }.join("; ") unless @cookies.empty?
    request["Referer"] = "http://127.0.0.1:#{@port}/"
    response = Net::HTTP.start("127.0.0.1", @port, open_timeout: 30, read_timeout: 30, max_retries: 0) { |http| http.request(request) }
    response.get_fields("Set-Cookie").to_a.each do |cookie|
      name, value = cookie[/\A[^;]*/].split("=", 2)
      @cookies[name] = value
    end
    response
  end
end
