# frozen_string_literal: true

require "openssl"

# nginx with the configuration that docs/nginx.md shows: in a directory of its own, as whoever runs the test.
class Nginx
  DOCUMENT = File.expand_path("../../docs/nginx.md", __dir__)

  # What a machine's nginx.conf has around conf.d/*.conf. Only root's nginx can become another user, and has to stay who it
  # is to get at the test's directory.
  MAIN = <<~'CONF'
    daemon off;
    user root;
    worker_processes 1;
    pid nginx.pid;
    error_log stderr info;
    events {}
    http {
        access_log off;
        client_body_temp_path body;
        proxy_temp_path proxy;
        fastcgi_temp_path fastcgi;
        uwsgi_temp_path uwsgi;
        scgi_temp_path scgi;
        include app.conf;
    }
  CONF

  # @param language [String]
  # @return [Array<String>] the blocks of code in the document
  def self.blocks(language)
    File.read(DOCUMENT).scan(/^```#{language}\n(.*?)^```$/m).flatten
  end

  # Puts what this machine has in the places of what the document names. A name that is not there is a mistake.
  def self.fill(text, names)
    names.reduce(text) do |result, (name, value)|
      raise KeyError, "docs/nginx.md does not say #{name.inspect}" unless result.include?(name)

      result.gsub(name, value)
    end
  end

  attr_reader :port, :tls_port

  # @param directory [String] made, for nginx alone
  # @param upstream [Symbol] which of the documented ones: :unix, :tcp or :two
  # @param names [Hash] what stands in the places of its addresses
  def initialize(directory, upstream, names)
    @directory = directory
    FileUtils.mkdir_p(File.join(directory, "public"))
    @listeners = Array.new(2) { TCPServer.new("127.0.0.1", 0) }
    @port, @tls_port = @listeners.map { |listener| listener.addr[1] }
    write_certificate
    write("nginx.conf", MAIN)
    write("app.conf", configuration(upstream, names))
    write("public/unavailable.html", "down\n")
    write("public/file.txt", "a file\n")
  end

  # nginx takes over the listeners that it finds in NGINX, so that nobody else can have got their ports meanwhile, and a request
  # may come before nginx is there.
  #
  # @yieldparam arguments for Process.spawn
  def start(program)
    keep = @listeners.to_h { |listener| [listener.fileno, listener.fileno] }
    yield({ "NGINX" => @listeners.map { |listener| "#{listener.fileno};" }.join },
          program, "-p", @directory, "-c", "nginx.conf", "-e", "stderr", **keep, err: File.join(@directory, "log"))
  ensure
    @listeners.each(&:close)
  end

  # @return [String]
  def log
    File.read(File.join(@directory, "log"))
  end

  def url(path, scheme = "http")
    "#{scheme}://127.0.0.1:#{scheme == "http" ? port : tls_port}#{path}"
  end

  private

  def configuration(upstream, names)
    app, tcp, upload, two = self.class.blocks("nginx")
    unix = app[/^upstream.*?^}\n/m]
    self.class.fill(
      app, unix => { unix: unix, tcp: tcp, two: two }.fetch(upstream), "    error_page" => "#{upload}\n    error_page", **names,
      "listen 80;" => "listen 127.0.0.1:#{port};", "listen 443 ssl;" => "listen 127.0.0.1:#{tls_port} ssl;",
      "/srv/app/public" => "#{@directory}/public",
      "/etc/ssl/certs/example.org.pem" => "#{@directory}/cert.pem", "/etc/ssl/private/example.org.key" => "#{@directory}/key.pem"
    )
  end

  def write_certificate
    key = OpenSSL::PKey::RSA.new(2048)
    certificate = OpenSSL::X509::Certificate.new
    certificate.version = 2
    certificate.serial = 1
    certificate.subject = certificate.issuer = OpenSSL::X509::Name.parse("/CN=example.org")
    certificate.public_key = key.public_key
    certificate.not_before = Time.now - 3600
    certificate.not_after = Time.now + 3600
    write("key.pem", key.to_pem)
    write("cert.pem", certificate.sign(key, "SHA256").to_pem)
  end

  def write(name, text)
    File.write(File.join(@directory, name), text)
  end
end
