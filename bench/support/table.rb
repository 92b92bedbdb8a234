# frozen_string_literal: true

module Bench
  # A Markdown table: text to the left, numbers to the right, columns as wide as their widest cell.
  class Table
    # @param headings [Array<String>]
    def initialize(*headings)
      @rows = [headings]
    end

    # @param cells [Array<#to_s>] one a heading
    # @return [self]
    def <<(cells)
      @rows << cells.map(&:to_s)
      self
    end

    # @return [String]
    def to_s
      widths = @rows.transpose.map { |column| column.map(&:length).max }
      numeric = @rows.drop(1).transpose.map { |column| column.all? { |cell| cell.match?(/\A(-|[^a-z]*\d.*)?\z/i) } }
      rule = widths.zip(numeric).map { |width, right| right ? "#{"-" * (width - 1)}:" : "-" * width }
      lines = [@rows.first, rule, *@rows.drop(1)].map do |cells|
        cells.zip(widths, numeric).map { |cell, width, right| right ? cell.rjust(width) : cell.ljust(width) }
      end
      lines.map { |cells| "| #{cells.join(" | ")} |" }.join("\n")
    end
  end
end
