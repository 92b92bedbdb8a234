# frozen_string_literal: true

# A response as it came over the wire.
#
# fields: pairs in their order; body: as sent.
Reply = Struct.new(:line, :fields, :body) do
  # @param bytes [String] all that a server has sent
  # @raise [RuntimeError] when it is no response
  def self.parse(bytes)
    head, separator, body = bytes.b.partition("\r\n\r\n")
    raise "not a response: #{bytes.inspect}" if separator.empty?

    line, *fields = head.split("\r\n")
    raise "not a status line: #{line.inspect}" unless line.match?(%r{\AHTTP/1\.1 \d{3} })

    new(line, fields.map { |field| field.split(": ", 2) }, body)
  end

  # @return [Integer]
  def status
    Integer(line[/ (\d+)/, 1], 10)
  end

  # @return [String, nil] the values of a field
  def [](name)
    values = fields.filter_map { |field, value| value if field.casecmp?(name) }
    values.join(", ") unless values.empty?
  end

  # @param names [Array<Symbol, String>] parts of this, and names of fields
  # @return [Array] their values
  def show(*names)
    names.map { |name| name.is_a?(Symbol) ? public_send(name) : self[name] }
  end

  # @return [String, nil] the body without the chunks around it; nil when the last one is missing
  def content
    self["transfer-encoding"] == "chunked" ? self.class.unchunk(body) : body
  end

  # @return [String, nil]
  def self.unchunk(body)
    content = +"".b
    loop do
      size, separator, rest = body.partition("\r\n")
      return if separator.empty?

      size = Integer(size, 16)
      return content if size.zero? && rest == "\r\n"
      return unless rest.byteslice(size, 2) == "\r\n"

      content << rest.byteslice(0, size)
      body = rest.byteslice(size + 2..)
    end
  end
end
