# frozen_string_literal: true

require "support/unit_helper"
require "support/xml"
require "pitchfork/report/chart"

class ReportChartTest < UnitTest
  Box = Struct.new(:left, :right, :y, :text)

  def chart(**options)
    Pitchfork::Report::Chart.new(title: "Memory", y: "MiB", x: %w[a b c], **options)
  end

  # Where the texts of a size stand; those that are turned are left out.
  def boxes(svg, size)
    texts = Xml.all(svg, "text").select { |element| element.attributes["font-size"] == size.to_s }
    texts.reject { |element| element.attributes.key?("transform") }.map do |element|
      width = Pitchfork::Report::Svg.width(element.text, size)
      left = element.attributes["x"].to_f - (width * { "middle" => 0.5, "end" => 1 }.fetch(element.attributes["text-anchor"], 0))
      Box.new(left, left + width, element.attributes["y"].to_f, element.text)
    end
  end

  def assert_apart(boxes)
    boxes.combination(2) do |one, other|
      touching = one.left < other.right && other.left < one.right && (one.y - other.y).abs < 10
      refute touching, "#{one.text.inspect} covers #{other.text.inspect}"
    end
  end

  def picture_width(svg)
    Xml.elements(svg).first.attributes["width"].to_i
  end

  def test_thirty_series_with_long_names
    names = Array.new(30) { |n| "#{"a very long " * (n % 4)}name #{n}" }
    svg = chart.panel("one", names.to_h { |name| [name, [1.0, 20.0, 30.0]] }).to_svg
    legend = boxes(svg, 12).select { |box| names.include?(box.text) }
    assert_equal names.sort, legend.map(&:text).sort
    assert_apart legend
    assert_operator legend.map(&:right).max, :<=, picture_width(svg)
    values = boxes(svg, 12).select { |box| box.text == "30" }.sort_by(&:y)
    assert_apart values
    assert_operator values.first.y, :>, 80, "they climb into the title"
    bottom = Xml.elements(svg).first.attributes["height"].to_i
    assert_operator legend.map(&:y).max, :<, bottom
    styles = Xml.all(svg, "polyline").map { |line| line.attributes.values_at("stroke", "stroke-dasharray") }
    assert_equal 30, styles.uniq.size, "two lines look the same"
  end

  def test_a_long_title_and_note_make_the_picture_wider
    svg = chart(note: "n" * 200).panel("one", "a" => [1.0, 2.0, 3.0]).to_svg
    note = boxes(svg, 12).find { |box| box.text == "n" * 200 }
    assert_operator note.right, :<=, picture_width(svg)
  end

  def test_marks_and_labels_that_are_close
    x = (0..40).to_h { |n| [n, "#{n} seconds"] }
    marks = (0..10).to_h { |n| [20 + (n * 0.1), "gen:#{n}"] }
    svg = chart(x: x, marks: marks).panel("one", "a" => [[0, 1.0], [40, 2.0]]).to_svg
    assert_apart(boxes(svg, 12).select { |box| box.text.end_with?("seconds") })
    assert_apart boxes(svg, 10)
    lines = Xml.elements(svg).count { |element| element.attributes["stroke-dasharray"] == "3 4" }
    assert_equal 11, lines, "every mark has its line"
    assert_includes boxes(svg, 10).map(&:text), "gen:0"
  end

  def test_points_may_lie_anywhere
    svg = chart(x: { 0 => "0 s", 10 => "10 s" }).panel("one", "a" => [[0, 10.0], [2.5, 20.0], [10, 0.0]]).to_svg
    points = Xml.all(svg, "polyline").first.attributes["points"].split.map { |pair| pair.split(",").map(&:to_f) }
    (left, _), (quarter, highest), (right, lowest) = points
    assert_in_delta left + ((right - left) / 4), quarter, 0.2
    assert_operator highest, :<, lowest
  end

  def test_panels_with_an_axis_of_their_own
    draw = lambda do |one_scale|
      chart(one_scale: one_scale).panel("small", "a" => [1.0, 2.0, 3.0]).panel("large", "b" => [100.0, 200.0, 300.0]).to_svg
    end
    ticks = ->(svg) { Xml.elements(svg).select { |element| element.attributes["text-anchor"] == "end" }.map(&:text) }
    assert_equal 2, ticks.(draw.(true)).count("300")
    assert_equal 1, ticks.(draw.(false)).count("300")
  end

  def test_last_values_that_are_equal
    svg = chart.panel("one", Array.new(6) { |n| ["s#{n}", [1.0, 2.0, 30.0]] }.to_h).to_svg
    values = boxes(svg, 12).select { |box| box.text == "30" && box.left > 400 }
    assert_equal 6, values.size
    assert_apart values
  end

  def test_one_point_and_no_point
    svg = chart(x: { 0 => "now" }).panel("one", "a" => [[0, 5.0]], "b" => []).to_svg
    assert_equal 1, Xml.all(svg, "circle").size
  end

  def test_what_a_name_may_hold
    name = %(<b> & "c" 'd')
    assert_includes Xml.elements(chart.panel(name, name => [1.0, 2.0, 3.0]).to_svg).map(&:text), "&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;"
  end

  def test_the_same_chart_gives_the_same_bytes
    draw = -> { chart.panel("one", "a" => [1.0, 2.0, 3.0]).to_svg }
    assert_equal draw.call, draw.call
  end
end
