# frozen_string_literal: true

require "json"
require "support/client_test"
require "support/web_socket"

# A browser loads a page, and the page does all that pages do with their server, then tells what it has seen.
class ChromiumTest < ClientTest
  # /report hands the page's report to the test; /next lets the app produce the next event.
  APP = <<~'RUBY'
    class Events
      def each
        yield "data: first\n\n"
        yield "data: after #{File.read("gate")}\n\n"
      end
    end

    APP = lambda do |env|
      text = { "content-type" => "text/plain" }
      body = env["rack.input"].read
      case env["PATH_INFO"]
      when "/" then [200, { "content-type" => "text/html" }, [File.read("page.html")]]
      when "/style.css" then [200, { "content-type" => "text/css" }, ["body { color: rgb(1, 2, 3) }"]]
      when "/picture.svg"
        picture = '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"></svg>'
        [200, { "content-type" => "image/svg+xml" }, [picture]]
      when "/echo" then [200, { "content-type" => env["CONTENT_TYPE"] || "none", "x-method" => env["REQUEST_METHOD"] }, [body]]
      when "/length" then [201, text, ["#{body.bytesize} #{Digest::SHA256.hexdigest(body)}"]]
      when "/large" then [200, text, Array.new(300) { "0123456789" * 1000 }.each]
      when "/empty" then [204, {}, []]
      when "/events" then [200, { "content-type" => "text/event-stream" }, Events.new]
      when "/next", "/report" then File.write(env["PATH_INFO"] == "/next" ? "gate" : "report", body) && [204, {}, []]
      when "/socket"
        io = env["rack.hijack"].call
        Thread.new do
          io.write(WebSocket.head(env["HTTP_SEC_WEBSOCKET_KEY"]))
          WebSocket.new(io).echo
          io.close
        end
        [-1, {}, []]
      else [404, text, []]
      end
    end
  RUBY

  PAGE = <<~'HTML'
    <!DOCTYPE html>
    <meta charset="utf-8"><title>Clients</title><link rel="stylesheet" href="/style.css"><link rel="icon" href="data:,">
    <img src="/picture.svg">
    <script>
      const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
      const once = (target, name) => new Promise((resolve, reject) => {
        target.addEventListener(name, resolve, { once: true });
        target.addEventListener("error", () => reject(new Error(`error in place of ${name}`)), { once: true });
      });
      async function socket() {
        const socket = new WebSocket(`ws://${location.host}/socket`);
        socket.binaryType = "arraybuffer";
        await once(socket, "open");
        const echo = async (data) => { socket.send(data); return (await once(socket, "message")).data; };
        const text = await echo("Grüße");
        const bytes = new Uint8Array(200000).map((_, index) => index * 7);
        const same = hex(await echo(bytes)) === hex(bytes);
        socket.close(1000);
        return { text, same, clean: (await once(socket, "close")).wasClean };
      }
      async function events() {
        const source = new EventSource("/events");
        const first = (await once(source, "message")).data;
        fetch("/next", { method: "POST", body: first });
        const second = (await once(source, "message")).data;
        source.close();
        return [first, second];
      }
      async function upload() {
        const bytes = new Uint8Array(5000000).map((_, index) => index % 251);
        const response = await fetch("/length", { method: "PUT", body: new Blob([bytes]) });
        const digest = hex(await crypto.subtle.digest("SHA-256", bytes));
        return [response.status, await response.text() === `5000000 ${digest}`];
      }
      async function echo(options) {
        const response = await fetch("/echo", options);
        return [response.headers.get("x-method"), response.headers.get("content-type"), await response.text()];
      }
      async function all() {
        return {
          style: getComputedStyle(document.body).color,
          picture: document.images[0].naturalWidth,
          get: await echo(),
          post: await echo({ method: "POST", body: JSON.stringify({ a: 1 }), headers: { "Content-Type": "application/json" } }),
          head: (await echo({ method: "HEAD" }))[0],
          together: (await Promise.all(Array.from({ length: 12 }, () => echo()))).length,
          empty: (await fetch("/empty")).status,
          missing: (await fetch("/missing")).status,
          large: (await (await fetch("/large")).arrayBuffer()).byteLength,
          upload: await upload(),
          events: await events(),
          socket: await socket()
        };
      }
      addEventListener("load", () => all().catch((error) => ({ error: `${error}\n${error.stack}` })).then((report) =>
        fetch("/report", { method: "POST", body: JSON.stringify(report) })));
    </script>
  HTML

  REPORT = {
    style: "rgb(1, 2, 3)", picture: 30, get: ["GET", "none", ""], post: ["POST", "application/json", '{"a":1}'], head: "HEAD",
    together: 12, empty: 204, missing: 404, large: 3_000_000, upload: [201, true], events: ["first", "after first"],
    socket: { text: "Grüße", same: true, clean: true }
  }.freeze

  # No GPU, no network service of its own, and nothing beyond the loopback. As root it runs without its sandbox only.
  FLAGS = %w[
    --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-default-apps --no-proxy-server
  ].freeze

  def test_a_page_with_all_that_pages_do
    chromium = program("chromium")
    write("page.html", PAGE)
    %w[gate report].each { |name| File.mkfifo(File.join(@directory, name)) }
    # A stream and an answer at the same time; and a browser connects ahead of what it asks for.
    server = start_app
    errors = File.join(@directory, "errors")
    pid = launch(chromium, *FLAGS, "--user-data-dir=#{@directory}/profile", "--remote-debugging-port=0",
                 "http://127.0.0.1:#{server.port}/", out: File::NULL, err: errors)
    say_when_it_ends(pid, errors)
    assert_equal REPORT, JSON.parse(File.read(File.join(@directory, "report")), symbolize_names: true)
    refute_match(/ERROR|WARN/, server.log)
  end

  # A browser that does not even start reports nothing, for which the test would wait in vain.
  def say_when_it_ends(pid, errors)
    Thread.new do
      Process.wait(pid)
      File.write(File.join(@directory, "report"), JSON.generate({ ended: File.read(errors) }), mode: File::WRONLY | File::NONBLOCK)
    rescue SystemCallError
      nil # nobody waits any more
    end
  end

  def start_app
    setup = "require 'digest'\nrequire '#{ServerProcess::ROOT}/test/support/web_socket'\n#{APP}"
    serve("APP", setup: setup, lint: false, config: "worker_processes 4")
  end
end
