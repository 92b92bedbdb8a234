# frozen_string_literal: true

module Pitchfork
  module Report
    # A table: text to the left, numbers to the right, columns as wide as their widest cell.
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

      # @return [String] in Markdown
      def to_s
        rule = widths.zip(numeric).map { |width, right| right ? "#{"-" * (width - 1)}:" : "-" * width }
        heading, *others = lines
        [heading, rule, *others].map { |cells| "| #{cells.join(" | ")} |" }.join("\n")
      end

      # @return [String] for a terminal: without a frame
      def plain
        lines.map { |cells| cells.join("  ").rstrip }.join("\n")
      end

      private

      def lines
        @rows.map { |cells| cells.zip(widths, numeric).map { |cell, width, right| right ? cell.rjust(width) : cell.ljust(width) } }
      end

      def widths
        @rows.transpose.map { |column| column.map(&:length).max }
      end

      # Which columns hold numbers: before its first digit, none of their cells has a letter.
      def numeric
        @rows.drop(1).transpose.map { |column| column.all? { |cell| cell.match?(/\A(-|[^a-z]*\d.*)?\z/i) } }
      end
    end
  end
end
