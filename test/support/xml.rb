# frozen_string_literal: true

require "strscan"

# Just enough of XML to see that a picture is well-formed, and what is in it. REXML would have to be in the bundle.
module Xml
  Element = Struct.new(:name, :attributes, :text)

  TAG = %r{<(/?)([a-zA-Z]+)((?:\s+[a-zA-Z:_-]+(?:[a-z0-9]*)="[^"<&]*(?:&[a-z0-9#]+;[^"<&]*)*")*)\s*(/?)>}
  TEXT = /(?:[^<&]|&(?:amp|lt|gt|quot|#\d+);)+/
  private_constant :TAG, :TEXT

  # @return [Array<Element>] in the order of their beginnings
  # @raise [RuntimeError] at what is not well-formed
  def self.elements(document)
    scanner = StringScanner.new(document)
    open = []
    all = []
    until scanner.eos?
      if scanner.scan(TAG) then tag(scanner.captures, open, all)
      elsif scanner.scan(TEXT) then text(scanner.matched, open.last)
      else
        raise "not well-formed at #{scanner.rest[0, 60].inspect}"
      end
    end
    raise "not closed: #{open.map(&:name)}" if open.any?

    all
  end

  def self.tag((closing, name, attributes, empty), open, all)
    if closing == "/"
      raise "</#{name}> closes <#{open.last&.name}>" unless open.pop&.name == name
    else
      all << Element.new(name, attributes.scan(/([^\s=]+)="([^"]*)"/).to_h, +"")
      open << all.last if empty.empty?
    end
  end

  def self.text(piece, element)
    raise "text outside of all elements: #{piece.inspect}" if element.nil? && piece.match?(/\S/)

    element&.text&.<<(piece)
  end
  private_class_method :tag, :text

  # @return [Array<Element>] of this name
  def self.all(document, name)
    elements(document).select { |element| element.name == name }
  end
end
