# frozen_string_literal: true

require_relative "client_test"
require_relative "nginx"
require_relative "web_socket"

# A test of nginx in front, over a UNIX socket and over TCP, configured as docs/nginx.md says to the letter.
class ProxyTest < ClientTest
  SETUP = "require 'digest'\nrequire 'json'\nrequire 'rack'\nrequire '#{ServerProcess::ROOT}/test/support/web_socket'\n".freeze

  # /env shows what the app is told about the client; /events and /socket are streams.
  APP = <<~'RUBY'
    lambda do |env|
      text = { "content-type" => "text/plain" }
      request = Rack::Request.new(env)
      case env["PATH_INFO"]
      when "/env"
        seen = { scheme: env["rack.url_scheme"], https: env["HTTPS"], url: request.url, ip: request.ip, peer: env["REMOTE_ADDR"],
                 forwarded: env.select { |name, _| name.match?(/\AHTTP_(X_)?FORWARDED/) }, connection: env["HTTP_CONNECTION"] }
        [200, text, [JSON.generate(seen)]]
      when "/cookies" then [200, text.merge("set-cookie" => "a=#{"1" * 12_000}"), []]
      when "/large" then [200, text, ["0123456789" * 2_000_000]]
      when "/digest" then [200, text, [Digest::MD5.hexdigest(env["rack.input"].read)]]
      when "/upload"
        File.write("gate", first = env["rack.input"].read(3))
        [200, text, ["#{first}, then #{env["rack.input"].read}"]]
      when "/events"
        parts = Enumerator.new do |events|
          events << "data: first\n\n"
          events << "data: after #{File.read("gate")}\n\n"
        end
        [200, { "content-type" => "text/event-stream", "x-accel-buffering" => "no" }, parts]
      when "/socket"
        asked = env.values_at("SERVER_PROTOCOL", "HTTP_UPGRADE", "HTTP_CONNECTION")
        next [400, text, [asked.inspect]] unless asked == %w[HTTP/1.1 websocket upgrade]

        io = env["rack.hijack"].call
        Thread.new do
          io.write(WebSocket.head(env["HTTP_SEC_WEBSOCKET_KEY"]))
          WebSocket.new(io).echo
          io.close
        end
        [-1, {}, []]
      when "/error" then [503, text, ["the app's own"]]
      else [200, text, ["#{env["REQUEST_METHOD"]} #{env["REQUEST_URI"]}"]]
      end
    end
  RUBY

  KINDS = { "a unix socket" => :unix, "tcp" => :tcp }.freeze

  # What the documented configuration of each calls the address.
  ADDRESSES = { unix: "/run/app/app.sock", tcp: "127.0.0.1:8080" }.freeze

  # Starts both, with the documented configurations: only the addresses, and how many workers, are the test's.
  def behind_nginx(kind, workers: 2, more: "")
    documented = ADDRESSES.fetch(kind)
    address = kind == :unix ? socket("app") : "127.0.0.1:0"
    config = Nginx.blocks("ruby").find { |block| block.include?("listen #{documented.inspect}") }
    config = Nginx.fill(config, documented => address, "worker_processes 8" => "worker_processes #{workers}")
    @server = serve(APP, setup: SETUP, lint: false, config: config + more)
    start_nginx(kind, documented => kind == :unix ? address : "127.0.0.1:#{@server.port}")
  end

  def start_nginx(kind, names)
    @nginx = Nginx.new(File.join(@directory, "nginx"), kind, names)
    @nginx.start(program("nginx", "nginx-light")) { |*arguments, **options| launch(*arguments, **options) }
  end

  # @return [String] path of a UNIX socket
  def socket(name)
    File.join(@directory, "#{name}.sock")
  end

  # Through nginx.
  def ask_nginx(*arguments, path: "/", scheme: "http")
    result = curl("--insecure", *arguments, @nginx.url(path, scheme))
    assert_equal 0, result.status, "#{arguments} #{path}: #{result.err}"
    result.out
  end
end
