# frozen_string_literal: true

# A few promises of HTTP and Rack, for a first look; test/integration has them in detail.
RSpec.describe "HTTP", :server do
  # Rack::Lint raises, and the answer is 500, when either side breaks the specification of Rack.
  let(:application) { <<~'RUBY' }
    require "uri" # which the Lint of Rack 2 needs and forgets
    require "rack/lint"
    use Rack::Lint

    run(lambda do |env|
      case env["PATH_INFO"]
      when "/raise" then raise "an error of the application's own"
      when "/echo" then body = env["rack.input"].read
      else body = "#{env["REQUEST_METHOD"]} #{env["PATH_INFO"]} #{env["QUERY_STRING"]}"
      end
      [200, { "content-type" => "text/plain", "content-length" => body.bytesize.to_s }, [body]]
    end)
  RUBY

  let(:server) { start(app: application) }

  it "gives the application the method, the path and the query" do
    expect(server.get("/articles?page=2").body).to eq("GET /articles page=2")
  end

  it "answers HEAD like GET, without the body" do
    response = server.raw("HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    expect(response).to start_with("HTTP/1.1 200 OK\r\n")
    expect(response).to match(/^content-length: 7\r$/i)
    expect(response).to end_with("\r\n\r\n")
  end

  it "gives the application a body of known length" do
    response = server.raw("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello")
    expect(response).to end_with("\r\n\r\nhello")
  end

  it "gives the application a body that comes in chunks" do
    response = server.raw("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
    expect(response).to end_with("\r\n\r\nhello")
  end

  it "answers 500 when the application raises, and serves on" do
    worker = server.process("pitchfork worker[0]").pid
    expect(server.get("/raise").code).to eq("500")
    expect(server.get("/").code).to eq("200")
    expect(server.process("pitchfork worker[0]").pid).to eq(worker)
    expect(server.log).to include("an error of the application's own")
  end

  it "gives the application a body that it can read again" do
    twice = 'run ->(env) { [200, { "content-type" => "text/plain" }, [env["rack.input"].read, env["rack.input"].tap(&:rewind).read]] }'
    server = start(app: twice)
    expect(server.raw("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello")).to end_with("\r\n\r\nhellohello")
  end

  it "sends what a streaming body writes, and ends the response when the body closes its stream" do
    server = start(app: 'run ->(env) { [200, {}, ->(stream) { stream << "one" << "two"; stream.close }] }')
    expect(server.raw("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")).to end_with("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
  end

  it "puts Rack::Lint around the application if it is told to, and nothing if not" do
    app = 'run ->(env) { [200, { "content-type" => "text/plain" }, [env.key?("rack.input") ? env["rack.input"].class.name : "none"]] }'
    expect(start(app: app).get("/").body).to eq("Pitchfork::EmptyInput")
    expect(start(app: app, config: "lint true").get("/").body).to start_with("Rack::Lint")
  end

  it "answers 400 to what is not HTTP, without asking the application" do
    expect(server.raw("hello\r\n\r\n")).to start_with("HTTP/1.1 400 ")
  end
end
