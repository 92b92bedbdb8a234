# frozen_string_literal: true

require "support/app_test"

# Forms and uploads, as Rack's own parsers read them.
class FormsTest < AppTest
  # Answers with the fields, and with what an uploaded file holds; the files are as Rack leaves them.
  APP = <<~'RUBY'
    lambda do |env|
      fields = Rack::Request.new(env).POST.map do |name, value|
        next "#{name}=#{value}" if String === value
        note(value[:tempfile].path)
        "#{name}=#{value[:filename]}:#{value[:tempfile].read.bytesize}"
      end
      raise "after the upload" if env["PATH_INFO"] == "/raise"
      [200, { "content-type" => "text/plain" }, [fields.join("&")]]
    end
  RUBY
  FORM = "Content-Type: application/x-www-form-urlencoded"
  MULTIPART = "Content-Type: multipart/form-data; boundary=limit"
  SETTINGS = ["rewindable_input true", "rewindable_input false", "client_body_buffer_size 10"].freeze

  def test_forms
    SETTINGS.each do |config|
      server = serve(APP, setup: "require 'rack/request'", config: config)
      assert_equal "a=1&b=\u00e9".b, ask(server, post("a=1&b=%C3%A9", FORM)).content, config
      assert_equal "", fetch(server).content, config
    end
  end

  def test_uploads
    SETTINGS.each do |config|
      server = serve(APP, setup: "require 'rack/request'", config: config)
      sent = upload("x" * 300_000)
      assert_equal "a=1&file=up.txt:300000", ask(server, post(sent, MULTIPART)).content, config
      chunked = "#{sent.bytesize.to_s(16)}\r\n#{sent}\r\n0\r\n\r\n"
      sent = request("POST", "/", MULTIPART, "Transfer-Encoding: chunked", body: chunked)
      assert_equal "a=1&file=up.txt:300000", ask(server, sent).content, config
    end
  end

  # Rack::TempfileReaper is a middleware that an app may have or not.
  def test_no_file_is_left
    ["", "use Rack::TempfileReaper"].each do |middleware|
      server = serve(APP, setup: "require 'rack'\n#{middleware}", env: { "TMPDIR" => @directory })
      %w[/ /raise].each { |path| ask(server, post(upload("x"), MULTIPART, target: path)) }
      fetch(server)
      assert_equal([@directory] * 2, notes.map { |path| File.dirname(path) })
      assert_equal %w[config.ru notes pitchfork.rb], Dir.children(@directory).sort, middleware
      refute_match(/rack\.tempfiles/, server.log)
      server.stop
      File.delete(File.join(@directory, "notes"))
    end
  end

  private

  def upload(content)
    "--limit\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n" \
      "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"up.txt\"\r\n" \
      "Content-Type: text/plain\r\n\r\n#{content}\r\n--limit--\r\n"
  end
end
