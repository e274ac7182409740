namespace Kuguru.Ike.V2;

/// <summary>Both ends rekeyed the same SA at once (RFC 7296 sections 2.8.1 and 2.8.2).</summary>
static class Collision
{
    /// <summary>
    /// Of the two new SAs the one with the lowest of all four nonces is redundant, and its maker deletes it. True when ours is the other one.
    /// </summary>
    public static bool OursStands(Nonces ours, Blob lowestOfTheirs) => ours.Lowest.Span.SequenceCompareTo(lowestOfTheirs.Span) > 0;
}
