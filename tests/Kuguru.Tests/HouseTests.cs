using System.Text.RegularExpressions;
using Xunit;

namespace Kuguru.Tests;

/// <summary>The rooms of the library and which of them may know which (docs/design.md). Between projects the compiler sees to it.</summary>
public partial class HouseTests
{
    static readonly Dictionary<string, string[]> MayKnow = new()
    {
        [""] = [],
        ["Wire"] = [],
        ["Crypto"] = [],
        ["Nat"] = ["Wire"],
        ["Pki"] = ["Crypto"],
        ["Ah"] = ["Wire", "Crypto"],
        ["Esp"] = ["Wire", "Crypto", "Nat", "Ah"],
        ["Ike"] = ["Wire", "Crypto", "Nat", "Pki"],
        ["Engine"] = ["Wire", "Crypto", "Nat", "Pki", "Ah", "Esp", "Ike"],
    };

    static readonly string Library = System.IO.Path.Combine(Root(), "src", "Kuguru");

    public static TheoryData<string> Rooms => [.. MayKnow.Keys];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_knows_only_the_rooms_below_it(string room)
    {
        var files = Directory.EnumerateFiles(System.IO.Path.Combine(Library, room), "*.cs", room.Length == 0 ? SearchOption.TopDirectoryOnly : SearchOption.AllDirectories);
        var upward =
            from file in files
            from Match match in Mention().Matches(File.ReadAllText(file))
            let other = match.Groups[1].Value
            where other != room && MayKnow.ContainsKey(other) && !MayKnow[room].Contains(other)
            select $"{System.IO.Path.GetRelativePath(Library, file)} mentions Kuguru.{other}";
        Assert.Empty(upward);
    }

    [Fact]
    public void Every_folder_of_the_library_is_a_room() => Assert.Empty(Directory.EnumerateDirectories(Library)
        .Select(folder => System.IO.Path.GetFileName(folder)).Except(["bin", "obj", .. MayKnow.Keys]));

    [Fact]
    public void The_packet_path_knows_no_IKE_and_the_other_way_round()
    {
        Assert.DoesNotContain("Ike", MayKnow["Esp"]);
        Assert.DoesNotContain("Esp", MayKnow["Ike"]);
    }

    static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "Kuguru.slnx")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("the tests run outside of the project");
    }

    [GeneratedRegex(@"\bKuguru\.([A-Z][A-Za-z]+)\b")]
    private static partial Regex Mention();
}
