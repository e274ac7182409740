using Kuguru.Engine;
using Xunit;

namespace Kuguru.Tests.Engine;

public class ReportLimitTests
{
    [Fact]
    public void A_flood_is_told_of_a_few_times_and_then_once_a_second()
    {
        var limit = new ReportLimit(burst: 3, TimeSpan.FromSeconds(1));
        Assert.Equal(3, Allowed(limit, from: 0, to: 0.9));
        Assert.Equal(5, Allowed(limit, from: 1, to: 5.9));
        Assert.Equal(3, Allowed(limit, from: 60, to: 60.9));
    }

    static int Allowed(ReportLimit limit, double from, double to)
    {
        var count = 0;
        for (var at = from; at <= to; at += 0.01)
            count += limit.Allows(new Instant(0) + TimeSpan.FromSeconds(at)) ? 1 : 0;
        return count;
    }
}
