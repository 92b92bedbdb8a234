# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/cow/title"

class CowTitleTest < UnitTest
  def test_titles
    {
      "pitchfork master" => [:master, nil, nil, nil],
      "pitchfork mold (gen:3)" => [:mold, nil, 3, nil],
      "pitchfork mold (gen:0) - booting" => [:mold, nil, 0, "booting"],
      "pitchfork worker[12] (gen:1) - retiring" => [:worker, "12", 1, "retiring"],
      "pitchfork service[mail (2)] (gen:1)" => [:service, "mail (2)", 1, nil],
      "pitchfork master of ceremonies" => [:other, nil, nil, nil],
      "ruby pitchfork worker[0] (gen:1)" => [:other, nil, nil, nil],
      "" => [:other, nil, nil, nil]
    }.each { |text, (*parts)| assert_equal([text, *parts], Pitchfork::Cow::Title.parse(text).to_a, text) }
  end
end
