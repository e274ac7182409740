using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>Every order of simultaneous rekeyings, deletes and creations between two peers (RFC 7296 sections 2.8 and 2.25).</summary>
public class ExplorationTests(ITestOutputHelper output)
{
    static readonly Want[] All = Enum.GetValues<Want>();

    public static TheoryData<Want, Want> Pairs
    {
        get
        {
            var pairs = new TheoryData<Want, Want>();
            foreach (var moon in All)
            {
                foreach (var sun in All)
                    pairs.Add(moon, sun);
            }
            return pairs;
        }
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Whatever_both_ends_want_at_once_in_every_order_with_one_message_lost_they_end_of_one_mind(Want moon, Want sun) =>
        Explore([moon], [sun], losses: 1, delays: 0, seeds: 1);

    [Theory]
    [MemberData(nameof(Pairs))]
    public void And_if_a_timer_runs_out_before_an_answer_comes(Want moon, Want sun) => Explore([moon], [sun], losses: 0, delays: 1, seeds: 2);

    [Theory]
    [MemberData(nameof(Pairs))]
    public void And_if_one_of_them_wants_something_else_besides(Want moon, Want sun)
    {
        foreach (var besides in All)
            Explore([moon, besides], [sun], losses: 0, delays: 0, seeds: 1);
    }

    [Fact]
    public void And_if_both_want_new_keys_for_all_they_have() => Explore([Want.RekeyIke, Want.RekeyChild], [Want.RekeyIke, Want.RekeyChild], losses: 0, delays: 0, seeds: 1);

    void Explore(Want[] moon, Want[] sun, int losses, int delays, int seeds)
    {
        for (var seed = 1; seed <= seeds; seed++)
        {
            var exploration = new Exploration(seed, moon, sun, losses, delays);
            exploration.Run();
            output.WriteLine($"{string.Join(' ', moon)} | {string.Join(' ', sun)}, seed {seed}: {exploration.States} states, {exploration.Ends} ends");
            Assert.True(exploration.Ends > 0);
        }
    }
}
